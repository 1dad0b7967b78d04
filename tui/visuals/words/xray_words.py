"""The X-ray in words: the token that is looked at, and what it took operation by operation."""

from engine import STATES
from engine.protocol.xray import Xray, XrayStep, XrayToken
from engine.visible_text import visible
from tui.format import (
    bytes_text,
    clock_text,
    count_text,
    joules_text,
    milliseconds_text,
    percent_text,
)
from tui.visuals.words.word_table import word_table
from tui.visuals.xray_text import XrayView

__all__ = ["xray_words"]


def xray_words(view: XrayView) -> str:
    """Return sentences and tables."""
    xray, token = view.xray, view.looked_at
    if xray is None or token is None:
        return f"X-ray: {view.note or 'no suggestion is looked into.'}"
    step = xray.steps[token.step]
    parts = [_token(xray, view.token, token), _step(xray, step), _cores(step)]
    parts.append("Its wafer cycles by operation, the most first:")
    parts.append(_operations(step))
    parts.append("The tokens of the suggestion:")
    parts.append(_tokens(xray))
    return "\n".join(parts)


def _token(xray: Xray, number: int, token: XrayToken) -> str:
    others = ", ".join(f"{visible(text)!r} {percent_text(chance)}" for text, chance in token.others)
    beside = f" Also likely: {others}." if others else ""
    return (
        f"X-ray of a suggestion by {visible(xray.model)}, token {number + 1} of "
        f"{len(xray.tokens)}: {visible(token.text)!r}, chance {percent_text(token.probability)}."
        f"{beside}"
    )


def _step(xray: Xray, step: XrayStep) -> str:
    low, likely, high = (joules_text(value) for value in step.joules)
    micros = step.cycles / (xray.clock_ghz * 1e3)
    shared = "" if step.used == 1 else f" for {step.used} tokens"
    return (
        f"Wafer, by formula: {count_text(step.cycles)} cycles{shared}, {micros:.1f} µs at "
        f"{clock_text(xray.clock_ghz)}; {count_text(step.collectives)} synchronisations, "
        f"{count_text(step.wavelets)} words sent over {count_text(step.wavelet_hops)} links; "
        f"{bytes_text(step.sram_bytes)} of SRAM read; {likely} likely, {low} to {high}. "
        f"Host, measured: {milliseconds_text(step.host_ms)}, {bytes_text(step.host_bytes)} read."
    )


def _cores(step: XrayStep) -> str:
    """Return what cores did, and why most of them did nothing."""
    sums = [sum(region[state] for region in step.states_by_region) for state in range(len(STATES))]
    total = max(1, sum(sums))
    idle, waiting = (sums[STATES.index(name)] / total for name in ("idle", "stall_wavelet"))
    return (
        f"Cores were idle for {percent_text(idle)} of their cycles: before the row's first word "
        "reached them, or after their last instruction of it, while it was in other regions. They "
        f"waited for a word of it that had not arrived for {percent_text(waiting)}, and worked or "
        f"sent for {percent_text(max(0.0, 1 - idle - waiting))}."
    )


def _operations(step: XrayStep) -> str:
    rows = sorted(step.cycles_by_operation.items(), key=lambda each: -each[1])
    told = [
        (name, count_text(cycles), percent_text(cycles / max(1, step.cycles)))
        for name, cycles in rows
        if cycles
    ]
    return word_table(("operation", "cycles", "share"), told)


def _tokens(xray: Xray) -> str:
    rows = [
        (repr(visible(token.text)), percent_text(token.probability), count_text(token.cycles))
        for token in xray.tokens
    ]
    return word_table(("token", "chance", "cycles"), rows)
