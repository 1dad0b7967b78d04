"""What-if in words: the suggestion at every value of a parameter, and what the others are."""

from engine.protocol.what_if import WhatIfCurve, WhatIfPoint
from engine.visible_text import visible
from tui.format import bytes_text, count_text, microseconds_text
from tui.visuals.what_if_text import (
    PARAMETER_NAMES,
    WhatIfView,
    change_text,
    parameter_text,
    placed_anew_text,
)
from tui.visuals.words.word_table import word_table

__all__ = ["what_if_words"]

_HEAD = ("value", "time", "change", "prompt", "tokens", "cores", "fullest", "")


def what_if_words(view: WhatIfView) -> str:
    """Return sentences and a table."""
    base, curve = view.base, view.curve
    if base is None or curve is None:
        return f"What if: {view.note or 'no suggestion is priced.'}"
    parts = [_suggestion(base, curve), _setup(view), _curve(curve), _table(view, curve, base)]
    refusals = [f"{visible(p.label)}: {visible(p.refusal)}." for p in curve.points if p.refusal]
    if (point := view.point) is not None and (why := placed_anew_text(point, base)):
        parts.append(f"At {visible(point.label)}: {why}.")
    return "\n".join([*parts, *refusals])


def _suggestion(base: WhatIfPoint, curve: WhatIfCurve) -> str:
    return (
        f"What if, wafer time by formula: the suggestion reads {count_text(curve.prompt_rows)} "
        f"rows of prompt and writes {count_text(curve.tokens)} tokens. Now it takes "
        f"{microseconds_text(base.microseconds)}, {count_text(base.cycles)} cycles."
    )


def _setup(view: WhatIfView) -> str:
    """Return what holds for every value but those of the parameter."""
    assert view.base is not None
    setup = view.setup or view.base.setup
    others = [name for name in PARAMETER_NAMES if name != view.over]
    return "Beside it: " + ", ".join(f"{n} {parameter_text(n, setup)}" for n in others) + "."


def _curve(curve: WhatIfCurve) -> str:
    best = curve.best
    least = "" if best is None or not curve.whole else f" The least: {visible(best.label)}."
    priced = "" if curve.whole else f" {len(curve.points)} of {curve.total} values are priced."
    return f"Over {visible(curve.over)}:{priced}{least}"


def _table(view: WhatIfView, curve: WhatIfCurve, base: WhatIfPoint) -> str:
    return word_table(_HEAD, [_row(point, view, base) for point in curve.points])


def _row(point: WhatIfPoint, view: WhatIfView, base: WhatIfPoint) -> tuple[str, ...]:
    here = "looked at" if point is view.point else ""
    if point.refusal:
        return (visible(point.label), "does not fit", "", "", "", "", "", here)
    clock = point.setup.clock_ghz * 1e3
    priced = "" if point.runs else "priced only"
    return (
        visible(point.label),
        microseconds_text(point.microseconds),
        change_text(point, base) if base.cycles else "",
        microseconds_text(point.prompt_cycles / clock),
        microseconds_text(point.decode_cycles / clock),
        count_text(point.cores_used),
        bytes_text(point.sram_bytes),
        ", ".join(filter(None, (here, priced))),
    )
