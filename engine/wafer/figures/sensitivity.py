"""How much a decoded token depends on each number that nobody measured for it.

Every assumption has a range with its reason; the served model is priced with both ends.  What was
read off a measurement to the cycle (hops, wavelets of a multicast) has no range.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from math import hypot
from typing import Any

from engine.progress import OnProgress, quiet
from engine.wafer.figures.served import ServedModel
from engine.wafer.program.machine import MachineSpec

__all__ = ["ASSUMPTIONS", "Assumption", "Effect", "combined", "effects", "facts"]


@dataclass(frozen=True, slots=True)
class Assumption:
    """A number of WSE-3 and the range in which it may lie."""

    field: str
    """Name of the machine's field."""
    low: float
    high: float
    why: str


ASSUMPTIONS = (
    Assumption("task_cycles", 170, 190, "fits that leave a row out"),
    Assumption("sample_cycles_per_logit", 59.9, 68.9, "fits that leave a row out, tail ± 0.5 %"),
    Assumption("vector_overhead_cycles", 5, 7, "4.98 in a product's body, 6 alone"),
    Assumption("dispatch_cycles", 15, 64, "a multicast's second mode starts 49 later"),
    Assumption("fmac_fp32", 1, 4, "SIMD of 4 is listed for additions, for products nothing"),
    Assumption("simd_fp32", 2, 8, "4 is listed; 2 on WSE-2"),
    Assumption("cache_bytes", 256, 1024, "256 on WSE-2; 512 assumed"),
    Assumption("add_fp32_cycles_per_wavelet", 1.0, 2.0, "two packed fp16 take 2"),
    Assumption("ramp_cycles", 2, 3, "2 on WSE-2"),
    Assumption("divide_cycles", 25, 100, "about 50, says a comment"),
    Assumption("mac_int8", 4, 16, "as fp16 assumed; half to twice"),
    Assumption("unpack_per_cycle", 4, 16, "as int8 assumed; half to twice"),
)
"""Of WSE-3.  One at a time: the two fitted constants are not fitted again for the others."""


@dataclass(frozen=True, slots=True)
class Effect:
    """What the two ends of an assumption do to a token."""

    assumption: Assumption
    value: float
    """What we take."""
    low: float
    """Change of a token at the low end, as a fraction."""
    high: float

    def as_json(self) -> dict[str, Any]:
        """Return the object in ``sensitivity``."""
        return asdict(self.assumption) | {
            "value": self.value,
            "token_at_low": self.low,
            "token_at_high": self.high,
        }


def effects(
    served: ServedModel,
    machine: MachineSpec,
    context: int,
    dtype: str = "fp16",
    on_progress: OnProgress = quiet,
) -> Iterator[Effect]:
    """Yield what each assumption does to a token of the served model.

    Args:
        served: The model, placed as it was measured.
        machine: WSE-3.
        context: KV rows.
        dtype: Format of its matrices.
        on_progress: Called with (assumptions done, assumptions, the next one's name).
    """
    base = served.priced(machine, dtype=dtype).step_cycles(context)
    for done, each in enumerate(ASSUMPTIONS):
        on_progress(done, len(ASSUMPTIONS), each.field)
        value = getattr(machine, each.field)

        def change(other: float, field: str = each.field, value: float = value) -> float:
            if other == value:
                return 0.0
            changed: dict[str, Any] = {field: other}
            spec = replace(machine, **changed)
            return served.priced(spec, dtype=dtype).step_cycles(context) / base - 1

        yield Effect(each, value, change(each.low), change(each.high))


def combined(found: list[Effect]) -> tuple[float, float]:
    """Return (least, most) of a token as factors: independent deviations, root of their squares."""
    less = hypot(*(min(0.0, each.low, each.high) for each in found))
    more = hypot(*(max(0.0, each.low, each.high) for each in found))
    return 1 - less, 1 + more


def facts(
    served: ServedModel,
    machine: MachineSpec,
    context: int,
    dtype: str,
    on_progress: OnProgress = quiet,
) -> dict[str, Any]:
    """Return the effects and what they come to together, for ``wafer validate --sensitivity``."""
    found = list(effects(served, machine, context, dtype, on_progress))
    low, high = combined(found)
    return {
        "context": context,
        "dtype": dtype,
        "assumptions": [each.as_json() for each in found],
        "token_low": low - 1,
        "token_high": high - 1,
    }
