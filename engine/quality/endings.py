"""Judges whether a suggestion ends in the right place: its brackets, its line, its block.

Pure functions of a suggestion, the text around it and the text that a person wrote there.

===================  ===========================================================================
``line_right``       as written, and ends with the line
``line_short``       as written, but the line goes on
``line_over``        the whole line as written, and more on it
``block_right``      several lines as written, and ends with the block
``block_short``      several lines as written, but the block goes on
``block_over``       the whole block as written, and more after it
``bracket_open``     leaves its own bracket open, and its end does not look unfinished
``bracket_extra``    closes a bracket that is not open, or that is closed after it
``repeats_suffix``   ends with the text after the cursor, or with the next line
===================  ===========================================================================
"""

from collections.abc import Iterator

from engine.completion.code.brackets import depths, open_brackets
from engine.completion.code.surroundings import Surroundings, indent_width

__all__ = ["judge_ending"]

_GOES_ON = (",", "(", "[", "{", "\\", "+", "-", "*", "/", "|", "&", "=", " and", " or")
_BEHIND = 3
"""A repetition shorter than this is chance, except for the signs below."""
_SIGNS = (":", ",", ";")


def judge_ending(text: str, prefix: str, suffix: str, truth: str) -> Iterator[str]:
    """Yield the keys of the module's table that apply to a suggestion.

    Args:
        text: The suggestion.
        prefix: The text before the cursor.
        suffix: The text after the written one.
        truth: The text that a person wrote from the cursor on.
    """
    place = Surroundings.of(prefix, suffix)
    written = text.rstrip()
    if not written:
        return
    yield from _against(written, truth, place)
    depth, lowest = depths(written)
    if depth > 0 and not written.endswith(_GOES_ON):
        yield "bracket_open"
    open_before, closed_behind = open_brackets(prefix), -depths(place.rest)[1]
    if open_before + lowest < 0 or open_before + depth < closed_behind:
        yield "bracket_extra"
    if _repeats(written, place):
        yield "repeats_suffix"


def _against(written: str, truth: str, place: Surroundings) -> Iterator[str]:
    """Yield the verdict on the suggestion's line or block."""
    kind = "block" if "\n" in written.lstrip("\n") else "line"
    if truth.startswith(written):
        rest = truth[len(written) :]
        ended = rest.partition("\n")[0].strip() == ""
        if kind == "block" and ended:
            ended = _block_ends(written, rest, place)
        yield f"{kind}_right" if ended else f"{kind}_short"
    elif kind == "line":
        line = truth.partition("\n")[0].rstrip()
        if line and written.startswith(line):
            yield "line_over"
    else:
        lines = written.split("\n")
        for count in range(len(lines) - 1, 1, -1):
            part = "\n".join(lines[:count]).rstrip()
            if truth.startswith(part) and _block_ends(part, truth[len(part) :], place):
                yield "block_over"
                return


def _block_ends(written: str, rest: str, place: Surroundings) -> bool:
    """Return whether the next line is less deep than the last one written, or missing."""
    following = next((line for line in rest.split("\n")[1:] if line.strip()), None)
    last = (place.before + written).rpartition("\n")[2]
    return following is None or indent_width(following) < indent_width(last)


def _repeats(written: str, place: Surroundings) -> bool:
    """Return whether the suggestion ends with the rest of the line, or with the next line."""
    rest = place.rest.strip()
    if rest:
        return (len(rest) >= _BEHIND or rest in _SIGNS) and written.endswith(rest)
    last = written.rpartition("\n")[2].strip()
    return bool(place.below) and len(last) > _BEHIND and last == place.below[0].strip()
