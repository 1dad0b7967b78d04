"""A made-up suggestion on made-up wafers, for tests and for the what-if pane alone."""

from msgspec.structs import replace

from engine.protocol.what_if import WhatIfCurve, WhatIfPoint, WhatIfSetup

__all__ = ["DEMO_SETUP", "demo_curve"]

DEMO_SETUP = WhatIfSetup("wse3", 0.85)
"""What a suggestion runs on."""

_KIB = 1024
_REFUSAL = (
    "spark-demo does not fit wse3 (32 KiB SRAM) with a context of 1,024: a block of 24 × 22 needs "
    "42,872 bytes, a core has 32,768"
)


def demo_curve(
    over: str = "sram", setup: WhatIfSetup | None = None, priced: int | None = None
) -> WhatIfCurve:
    """Return a curve over SRAM, or over something else.

    Args:
        over: The parameter.
        setup: All others; None: `DEMO_SETUP`.
        priced: How many points are priced so far; None: all.
    """
    setup = setup or DEMO_SETUP
    points = _sram_points(setup) if over == "sram" else _other_points(over, setup)
    chosen = next((n for n, point in enumerate(points) if point.setup == setup), 0)
    nearest = sorted(range(len(points)), key=lambda n: abs(n - chosen))[:priced]
    return WhatIfCurve(
        over=over,
        unit="KiB" if over == "sram" else "",
        tokens=11,
        prompt_rows=271,
        chosen=sorted(nearest).index(chosen),
        points=[points[n] for n in sorted(nearest)],
        total=len(points),
    )


def _sram_points(setup: WhatIfSetup) -> list[WhatIfPoint]:
    points = []
    for kib, prompt in ((32, 0), (48, 1_480_000), (64, 1_455_000), (96, 2_900_000)):
        changes = replace(setup.changes, sram_bytes=0 if kib == 48 else kib * _KIB)
        changed = replace(setup, changes=changes)
        point = WhatIfPoint(f"{kib} KiB", float(kib), changed)
        points.append(_priced(point, prompt) if prompt else replace(point, refusal=_REFUSAL))
    return points


def _other_points(over: str, setup: WhatIfSetup) -> list[WhatIfPoint]:
    """Return two points of any parameter: as it is, and two wafers."""
    two = replace(setup, changes=replace(setup.changes, wafers=2))
    return [
        _priced(WhatIfPoint("1" if over == "wafers" else over, 1.0, setup), 1_480_000),
        replace(_priced(WhatIfPoint("2", 2.0, two), 1_520_000), runs=False),
    ]


def _priced(point: WhatIfPoint, prompt: int) -> WhatIfPoint:
    return replace(
        point,
        prompt_cycles=prompt,
        decode_cycles=817_146,
        cycles_by_operation={"matmul": prompt, "attention": 817_146},
        cores_used=3_536,
        block=(24, 22),
        blocks=6,
        head_columns=8,
        sram_bytes=42_872,
        runs=True,
    )
