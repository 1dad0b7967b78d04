"""The line below an edit: what it is about, how far it is, what the keys do now."""

from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from engine.protocol.editing import Edit
from engine.visible_text import visible
from tui.assist.edit_draft import EditDraft
from tui.format import count_text, milliseconds_text, rate_text
from tui.visuals.inks import Inks
from tui.visuals.wafer_cost import rate_text_of

__all__ = ["edit_text"]

_KEYS = {
    "asking": (
        "Enter asks · Alt+E more lines · Esc leaves · ↑ earlier",
        "Enter asks · Alt+E more lines · Esc leaves",
        "Enter asks · Esc leaves",
    ),
    "writing": ("Esc stops · Alt+E steers", "Esc stops"),
    "deciding": (
        "Tab accepts · n rejects · Enter all · Esc none · Alt+E again",
        "Tab accepts · n rejects · Enter all · Esc none",
        "Tab ✓ · n ✗ · Enter all · Esc none",
        "Tab ✓ · n ✗",
    ),
    "refused": ("Alt+E again · Esc leaves", "Esc leaves"),
}
"""What the keys do, the longest form first."""
_REST_KEYS = (
    "Tab accepts · n rejects · Enter the rest · Esc not the rest",
    "Tab ✓ · n ✗ · Enter rest ✓ · Esc rest ✗",
    "Tab ✓ · n ✗",
)
_STEERING_KEYS = ("Enter asks · Esc goes back · ↑ earlier", "Enter asks · Esc back")
_GAP = 2
_LEAST = 8
"""Cells that are kept for what there is to say."""


def edit_text(draft: EditDraft, width: int, inks: Inks, *, steering: bool = False) -> Text:
    """Return one line of at most ``width`` cells; a reason that is longer may take several.

    Args:
        draft: The edit.
        width: Cells.
        inks: The theme's.
        steering: Whether the person is writing a further instruction.
    """
    words, keys = _fitting(_forms(draft), _keys(draft, steering=steering), width - 2)
    style = inks.bad if draft.phase == "refused" else inks.text
    if draft.phase == "refused" and not keys:
        reason = Text(f" {words}", style=style, end="")
        return reason.append(f" · {_KEYS['refused'][0]}", style=inks.muted)
    left = Text(words, style=style, end="")
    left.truncate(max(_LEAST, width - 2 - _gap(keys)), overflow="ellipsis")
    line = Text(" ", end="", no_wrap=True).append_text(left)
    line.append(" " * max(0, width - line.cell_len - cell_len(keys) - 1))
    line.append(keys, style=inks.muted)
    line.truncate(width, overflow="ellipsis")
    return line


def _fitting(forms: Sequence[str], keys: Sequence[str], room: int) -> tuple[str, str]:
    """Return the longest keys, and beside them the longest words, that have room together.

    Where nothing has, words are worth more than keys.
    """
    for keys_form in keys:
        for form in forms:
            if cell_len(form) + _gap(keys_form) <= room:
                return form, keys_form
    return forms[-1], ""


def _gap(keys: str) -> int:
    return cell_len(keys) + _GAP if keys else 0


def _keys(draft: EditDraft, *, steering: bool) -> Sequence[str]:
    if steering and draft.phase != "asking":
        return _STEERING_KEYS
    begun = any(verdict != "open" for verdict in draft.verdicts)
    return _REST_KEYS if draft.phase == "deciding" and begun else _KEYS[draft.phase]


def _forms(draft: EditDraft) -> list[str]:
    """Return what there is to say, the longest form first."""
    match draft.phase:
        case "asking":
            return [f"edit {_lines(draft)}"]
        case "writing":
            if not draft.written_lines:
                return [f"reading {_lines(draft)} …", "reading …"]
            return [f"writing, line {draft.written_lines} …", "writing …"]
        case "refused":
            return [f"no edit: {visible(draft.problem)}"]
        case "deciding":
            return _deciding_forms(draft)


def _deciding_forms(draft: EditDraft) -> list[str]:
    count = len(draft.verdicts)
    changes = "1 change" if count == 1 else f"{count_text(count)} changes"
    left = draft.verdicts.count("open")
    if left < count:
        changes = f"{changes}, {left} open"
    if draft.problem:
        still = f"still {changes}: {visible(draft.problem)}"
        return [still, f"still {changes}"]
    if draft.edit is None:
        return [changes]
    host, wafer = _costs(draft.edit)
    return [f"{changes} · {host} · {wafer}", f"{changes} · {host}", changes]


def _costs(edit: Edit) -> tuple[str, str]:
    """Return what an edit took: host time, and the wafer's speed at its clock."""
    host = milliseconds_text(edit.host.prefill_ms + edit.host.decode_ms)
    rate = edit.host.tokens_per_second
    speed = "" if rate is None else f", {rate_text(rate)} tokens/s"
    return f"{host} host{speed}", rate_text_of(edit.wafer)


def _lines(draft: EditDraft) -> str:
    if draft.first == draft.last:
        return f"line {draft.first}"
    return f"lines {draft.first}–{draft.last}"
