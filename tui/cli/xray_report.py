"""The X-ray of a completion as lines for a person; `complete --xray` prints them."""

from collections.abc import Iterator

from engine.protocol.xray import Xray, XrayStep, XrayToken
from tui.format import bytes_text, count_text, joules_text, milliseconds_text, percent_text

__all__ = ["xray_lines"]

_MOST = 3
"""Operations named for a step."""


def xray_lines(xray: Xray) -> Iterator[str]:
    """Yield a line for each token, then one for each step that they were chosen in."""
    yield "tokens (step, chance, cycles of the step ÷ its tokens; likeliest others):"
    for token in xray.tokens:
        yield _token_line(token)
    yield f"steps (host measured, wafer emulated by formula at {xray.clock_ghz:g} GHz):"
    for number, step in enumerate(xray.steps):
        yield f"  {number:3d}  {_step_line(step)}"


def _token_line(token: XrayToken) -> str:
    others = ", ".join(f"{text!r} {percent_text(chance)}" for text, chance in token.others)
    kept = "" if token.end > token.start or not token.text else "  (not in the text)"
    said = repr(token.text) if token.text else "end"
    chance, cycles = percent_text(token.probability), count_text(token.cycles)
    return f"  {token.step:3d}  {chance:>6} {cycles:>10}  {said}{kept}; {others}"


def _step_line(step: XrayStep) -> str:
    kind = "token" if step.decode else "prompt"
    rows = "1 row" if step.rows == 1 else f"{step.rows} rows"
    most = sorted(step.cycles_by_operation.items(), key=lambda each: -each[1])[:_MOST]
    share = ", ".join(f"{name} {percent_text(cycles / step.cycles)}" for name, cycles in most)
    return (
        f"{kind}, {rows} at {step.position}: host {milliseconds_text(step.host_ms)},"
        f" reads {bytes_text(step.host_bytes)}; wafer {count_text(step.cycles)} cycles ({share}),"
        f" {count_text(step.collectives)} collectives, {count_text(step.wavelets)} wavelets over"
        f" {count_text(step.wavelet_hops)} links, {joules_text(step.joules[1])}"
        f" ({joules_text(step.joules[0])} to {joules_text(step.joules[2])})"
    )
