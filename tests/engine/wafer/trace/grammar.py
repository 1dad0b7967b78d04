"""A reader of `sim.log` written from the published grammar alone; knows nothing of the writer.

Every line must be one of the forms below, or it raises.  `read` returns the events by form.
"""

import re
from collections import defaultdict

_CORE = r"P(?P<x>\d+)\.(?P<y>\d+)"
_PIPE_STALL = (
    r"dependent accum\d+|R\d+ ilock|MEM\[[^\]]*\] ilock|read conflict MEM\[[0-9a-f]+\]\(b\d+\)|"
    r"write_pending/read conflict MEM\S*|dependent (?:S0DS|S1DS|DDS)\d+"
)

FORMS = {
    "create": r"Create from size nx=\d+ ny=\d+",
    "dimensions": r"dimX=(?P<width>\d+), dimY=(?P<height>\d+)",
    "flags": r"SimTraceCtf, flags:  wavelets=(?P<wavelets>[01]) landing=(?P<landing>[01]) "
    r"inst=(?P<inst>[01]) switch_positions=[01] stalls=[01]",
    "tile": _CORE + r" \(hwtile\) tile trace flag: [a-z_,]+",
    "architecture": r"Architecture is: \w+",
    "emulated": r"Emulated: .+|Fast tier: .+",
    "landing": _CORE + r" \(hwtile\) landing C(?P<color>\d+) from link (?P<link>[WESNR]),",
    "wavelet": _CORE + r" \(hwtile\) wavelet C(?P<color>\d+) ctrl=(?P<ctrl>[01]), "
    r"idx=[0-9a-f]+, data=(?P<data>[0-9a-f]+) \([^()]+\([^()]+\)\), half=[01], "
    r"ident=(?P<ident>[0-9a-f]+) landing=(?P<landing>[RENWSD-]) "
    r"departing=/(?P<departing>[E ][N ][W ][S ][R ])/"
    r"(?:, lf=1)?(?P<taken>, to_ce_from_q|, to_ce_from_router)?",
    "issue": _CORE + r": .*\[IS OP\] (?P<what>.*)Dest:.* Src0:.* Src1:.* Src2:.* Imm:.*",
    "idle": _CORE + r": .*\[EX OP\] IDLE",
    "execute": _CORE + r": .*\[EX OP\] \^ 0x(?P<pc>[0-9a-f]+): T\d+(?:\.\w+)? (?P<op>[A-Z0-9]+)",
    "starved": _CORE + r": .*Not enough wavelets \(\d+/\d+\) for SRC\d with C(?P<color>\d+), "
    r"IN_Q\[\d+\], SIMD-\d+",
    "stalled": _CORE + rf": .*Pipe: \d+, Msg: stall: (?:{_PIPE_STALL})",
    "writing": _CORE + r": .*Writing wavelet C(?P<color>\d+) .+ to OUT_Q\[\d+\]",
    "sending": _CORE + r": .*Sending wavelet C(?P<color>\d+) .+ ident:(?P<ident>[0-9a-f]{16}) "
    r"on OUT_Q\[\d+\]",
    "pressed": _CORE + r": .*Backpressure on C(?P<color>\d+) for OUT_Q\[\d+\]",
    "stopping": r"No data movement in the last \d+ cycles; stopping\.",
    "speed": r"Simulation used [\d.]+ seconds and ran at [\d.]+ cyc/sec [\d.]+ tile-cyc/sec with "
    r"\d+ threads, .+",
    "counts": r"CTF Stats: (?P<name>\w+) += +(?P<count>\d+)",
    "formula": r"End of the last token, by formula",
}
_PATTERNS = {name: re.compile(rf"@(?P<cycle>\d+) (?:{form})") for name, form in FORMS.items()}


def read(text):
    """Return {form: [fields as text]}, all lines in order under "all"; raise at one of no form."""
    events, order, last = defaultdict(list), [], 0
    for number, line in enumerate(text.splitlines(), 1):
        found = [(name, match) for name, p in _PATTERNS.items() if (match := p.fullmatch(line))]
        assert len(found) == 1, f"line {number} is of {len(found)} forms: {line}"
        name, match = found[0]
        order.append((name, match.groupdict()))
        assert int(match["cycle"]) >= last, f"line {number} goes back in time: {line}"
        last = int(match["cycle"])
        events[name].append(match.groupdict())
    events["all"] = order
    return events
