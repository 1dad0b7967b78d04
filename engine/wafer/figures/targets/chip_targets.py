"""Targets of the chip itself: peak, bandwidth, grid, and a product on every core."""

from collections.abc import Iterator

from engine.wafer.figures.targets.target import Target, exact
from engine.wafer.program import machine as machines

__all__ = ["matvec", "peaks"]


def peaks() -> Iterator[Target]:
    """Row 17: figures of the data sheets, from the fields of a machine."""
    spec = machines.get("wse2", 1.1)
    for name, unit, printed, published, analytic in (
        ("peak", "FLOP/s", "7.5 PF", 850_000 * 4 * 2 * 1.1e9, spec.peak_flops),
        (
            "memory bandwidth",
            "bytes/s",
            "20–22 PB/s",
            850_000 * 24 * 1.1e9,
            spec.memory_bandwidth_bytes_per_second,
        ),
        ("SRAM", "bytes", "40 GB", 850_000 * 48 * 1024, spec.total_sram_bytes),
    ):
        yield Target(
            id=f"17/{name}",
            evidence="C",
            source=f"Hot Chips 34; printed as {printed}",
            conditions="wse2 at 1.1 GHz",
            unit=unit,
            published=float(published),
            analytic=float(analytic),
            reason="arithmetic",
            role="identity",
            bound=exact(),
        )


def matvec() -> Iterator[Target]:
    """Row 7: the grid and the closed forms of the SDK's single-tile matrix–vector product."""
    spec = machines.get("wse2")
    source = "csl-examples, single-tile-matvec"
    for name, published, analytic in (
        ("columns", 750, spec.fabric_columns - 7),
        ("rows", 994, spec.fabric_rows - 2),
        ("cores", 750 * 994, spec.columns * spec.rows),
    ):
        yield Target(
            id=f"7/{name}", evidence="A", source=source,
            conditions="wse2, largest program rectangle", unit="cores",
            published=float(published), analytic=float(analytic), reason="arithmetic",
            role="identity", bound=exact(),
        )  # fmt: skip
    for size in (1, 7, 32, 100):
        counted = count_matvec(size)
        forms = (4 * size**2 + 8 * size, 12 * size**2 + 4 * size, 2 * size**2 - size)
        names = ("least bytes", "bytes", "FLOP")
        for name, published, analytic in zip(names, forms, counted, strict=True):
            yield Target(
                id=f"7/{name}/N={size}", evidence="A", source=source,
                conditions=f"one core, y = A·x of {size} × {size} fp32, counted access by access",
                unit=name.split()[-1], published=float(published), analytic=float(analytic),
                reason="counted", role="identity", bound=exact(),
            )  # fmt: skip


def count_matvec(size: int) -> tuple[int, int, int]:
    """Return (least bytes, bytes moved, FLOP) of y = A·x column by column, one fp32 at a time.

    The least is every operand once.  A column's multiply–add reads the column and y and writes y;
    x is read once an element.  The first column's products need no addition.
    """
    least = moved = flop = 0
    for column in range(size):
        least += 4  # x
        moved += 4
        for _row in range(size):
            least += 4  # A
            moved += 4 + 4 + 4  # A, y, y again
            flop += 1 if column == 0 else 2
    least += 4 * size  # y
    return least, moved, flop
