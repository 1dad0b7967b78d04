"""Whether a suggestion ends where it should: the bracket, the line, the block.

Pure functions of a suggestion, the text around it and the text that a person wrote there.

===================  ===========================================================================
``line_right``       agrees with what was written and ends where that line ends
``line_short``       agrees, and the line goes on
``line_over``        says all of the line and more on it
``block_right``      several lines, all as written, and the block ends there
``block_short``      several lines, all as written, and the block goes on
``block_over``       says all of the block and then more
``bracket_open``     leaves a bracket open that it opened, and does not end in one
``bracket_extra``    closes a bracket that nobody opened, or that stands closed behind it
``repeats_suffix``   ends with what stands behind the cursor or on the next line
===================  ===========================================================================
"""

from collections.abc import Iterator

from engine.completion.brackets import depths
from engine.completion.surroundings import Surroundings, indent_width

__all__ = ["judge_ending"]

_GOES_ON = (",", "(", "[", "{", "\\", "+", "-", "*", "/", "|", "&", "=", " and", " or")
_BEHIND = 3
"""A shorter repetition is chance, but for these:"""
_SIGNS = (":", ",", ";")
_LOOK_LINES = 200


def judge_ending(text: str, prefix: str, suffix: str, truth: str) -> Iterator[str]:
    """Yield what is to be said about the end of a suggestion; keys as in the module's table.

    Args:
        text: The suggestion.
        prefix: The text before the cursor.
        suffix: The text behind what was written.
        truth: What was written from the cursor on.
    """
    place = Surroundings.of(prefix, suffix)
    written = text.rstrip()
    if not written:
        return
    yield from _against(written, truth, place)
    depth, lowest = depths(written)
    if depth > 0 and not written.endswith(_GOES_ON):
        yield "bracket_open"
    open_before, closed_behind = _open_brackets(prefix), -depths(place.rest)[1]
    if open_before + lowest < 0 or open_before + depth < closed_behind:
        yield "bracket_extra"
    if _repeats(written, place):
        yield "repeats_suffix"


def _against(written: str, truth: str, place: Surroundings) -> Iterator[str]:
    """Yield how the end agrees with what was written."""
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
    """Return whether the line behind is less deep than the last one written, or there is none."""
    following = next((line for line in rest.split("\n")[1:] if line.strip()), None)
    last = (place.before + written).rpartition("\n")[2]
    return following is None or indent_width(following) < indent_width(last)


def _repeats(written: str, place: Surroundings) -> bool:
    rest = place.rest.strip()
    if rest:
        return (len(rest) >= _BEHIND or rest in _SIGNS) and written.endswith(rest)
    last = written.rpartition("\n")[2].strip()
    return bool(place.below) and len(last) > _BEHIND and last == place.below[0].strip()


def _open_brackets(prefix: str) -> int:
    """Return how many brackets are open at the end of a text, by its last lines."""
    lines = prefix.split("\n")[-_LOOK_LINES:]
    depth = 0
    for line in lines:
        change, lowest = depths(line)
        # A line that closes more than is open began inside brackets we do not see.
        depth = max(depth, -lowest) + change
    return depth
