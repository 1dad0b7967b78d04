"""`spark-tui wafer plan`: where a model lies on a wafer, and the search that found the place."""

from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

import engine
from tui.cli.options import (
    PRICED_FORMATS,
    json_option,
    machine_options,
    model_option,
    resolve_model,
)
from tui.cli.output import say, say_json
from tui.cli.wafer.training_plan import TrainingPlanAsked, print_training_plan, training_options

__all__ = ["floor_plan", "plan", "weights_text"]

_FLOOR_COLUMNS, _FLOOR_ROWS = 64, 24
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@click.command()
@model_option
@machine_options
@click.option(
    "--context", type=click.IntRange(1), help="KV rows to hold; the model's own if not given."
)
@click.option(
    "--dtype",
    type=click.Choice(PRICED_FORMATS),
    help="Type of all weights; default: those of the .gguf file, else int8.",
)
@click.option(
    "--rows",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Rows of a step that sizes are compared with: 1 for decode, more for drafts.",
)
@click.option(
    "--check", is_flag=True, help="Say what the machine could not link, and exit 1 if anything."
)
@click.option("--sweep", is_flag=True, help="Show every size of a block that was compared.")
@training_options
@json_option
def plan(
    model: str | None,
    machine: str,
    clock: float | None,
    context: int | None,
    dtype: str | None,
    rows: int,
    check: bool,
    sweep: bool,
    train: Path | None,
    batch: int,
    micro_batch: int | None,
    sequence: int,
    optimizer: str,
    as_json: bool,
) -> int:
    """Find the rectangles with the fewest cycles per token, and say why.

    M may also be a Hugging Face config.json: weights are not needed.  With --train, a training
    step is planned instead: its layouts, what limits each, and the nearest change.
    """
    if train is not None:
        asked = TrainingPlanAsked(train, batch, sequence, micro_batch, optimizer)
        return print_training_plan(asked, machine, clock, as_json)
    if model is None or not model.endswith(".json"):
        model = resolve_model(model)
    found = engine.plan_wafer(
        model, machine, clock, context=context, dtype=dtype, rows_per_step=rows, check=check
    )
    sizes, checked = found.pop("sweep"), found["check"]
    if as_json:
        say_json(found | {"sweep": sizes} if sweep else found)
    else:
        _print(found, sizes if sweep else None)
        if isinstance(checked, dict):
            _print_check(checked)
    return 1 if isinstance(checked, dict) and checked["faults"] else 0


def _print_check(check: dict[str, Any]) -> None:
    limits = check["limits"]
    say("")
    say("the most that a core uses, of what a program may use:")
    for region in check["regions"]:
        used = {**region, "sram_bytes": region["sram_bytes"]["max_total"]}
        shares = (
            f"{name.replace('_', ' ')} {used[name]:,} of {limit:,}"
            for name, limit in limits.items()
        )
        say(f"  {region['label']}: {', '.join(shares)}")
    alike: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
    for fault in check["faults"]:
        alike.setdefault((fault["what"], fault["needs"], fault["detail"]), []).append(fault)
    for first, *others in alike.values():
        more = f"; alike in {len(others)} other regions" if others else ""
        say(f"{first['text']}{more}")
    say("could not be linked as it is" if check["faults"] else "could be linked")


def _print(found: dict[str, Any], sizes: Any) -> None:
    used = found["sram_bytes_per_core"]
    shares = ", ".join(f"{name} {size:,}" for name, size in used.items() if name != "max_total")
    say(
        f"{found['model']} ({found['dtype']}, context {found['context']:,}) on {found['machine']}: "
        f"{len(found['blocks']) - 1} blocks and the head, {found['cores_used']:,} cores on "
        f"{found['wafers']} wafer{'s' if found['wafers'] > 1 else ''}"
    )
    for wafer in range(found["wafers"]):
        regions = [each for each in found["blocks"] if each["wafer"] == wafer]
        say("")
        say(floor_plan(regions, tuple(found["grid"])))
    say("")
    say(
        f"wafer {found['cycles_per_token']:,} cycles a token with {found['position']:,} KV rows "
        f"({found['cycles_are']}), {found['tokens_per_second']:,.0f} tokens/s at "
        f"{found['clock_ghz']:g} GHz"
    )
    say(f"      {found['low']:,} to {found['high']:,} cycles: {found['range_from']}")
    if energy := found["joules_per_token"]:
        say(
            f"energy {energy['low']:.2g} to {energy['high']:.2g} J a token, likely "
            f"{energy['likely']:.2g} (from published watts, not measured)"
        )
    if found["wafers"] > 1:
        say(
            f"between wafers {found['wafer_link_microseconds']:g} µs a link (assumed), "
            f"{found['wafers']} of them for a token"
        )
    say(f"fullest core {used['max_total']:,} bytes ({shares}); {found['colors_used']} colors")
    say(weights_text(found))
    say(f"longest context {found['context_limit']:,}: {found['context_limited_by']}")
    say(
        f"{found['sizes_compared']} sizes of a block compared, {found['sizes_that_fit']} fit; "
        f"runner-up: {found['why']}"
    )
    if sizes is not None:
        Console().print(_table(sizes, found["estimate_cycles_per_token"]))


def weights_text(found: dict[str, Any]) -> str:
    """Return what the weights of the fullest core take by type, and what int8 would."""
    types = ", ".join(
        f"{each['format']} {each['bytes_per_core']:,}"
        + f" (unpacked at {each['unpack_cycles_per_weight']:g} cycles a weight)"
        * bool(each["unpack_cycles_per_weight"])
        for each in found["weights"]
        if each["bytes_per_core"]
    )
    text = f"bytes of its matrices by type: {types}"
    other = found["in_int8"]
    if other is None:
        return text
    text += f"; unpacking takes {found['unpack_cycles_per_token']:,} cycles a token (assumed)\n"
    if "refusal" in other:
        return text + f"in int8 it does not fit: {other['refusal']}"
    size = sum(each["bytes"] for each in found["weights"])
    return text + (
        f"in int8: {other['bytes'] / size - 1:+.0%} bytes of weights, {other['cores_used']:,} "
        f"cores, {other['cycles_per_token']:,} cycles a token"
    )


def _table(sizes: list[dict[str, Any]], least: int) -> Table:
    """Every size that fits, the fastest first."""
    table = Table(title="estimated cycles per token", title_justify="left")
    for name in ("width", "height", "blocks", "head", "wafers", "cores", "cycles", "more"):
        table.add_column(name, justify="right")
    for size in sorted(sizes, key=lambda each: each["cycles_per_token"]):
        more = size["cycles_per_token"] / least - 1
        table.add_row(
            *(str(size[name]) for name in ("width", "height", "blocks", "head_width", "wafers")),
            f"{size['cores']:,}",
            f"{size['cycles_per_token']:,}",
            f"{more:+.1%}",
        )
    return table


def floor_plan(regions: list[dict[str, Any]], grid: tuple[int, int]) -> str:
    """Return a wafer as characters: a letter for each block in order, # for the head.

    Args:
        regions: Rectangles with ``x``, ``y``, ``width``, ``height`` and ``layers``.
        grid: Columns and rows of the wafer.

    Example:
        >>> block = {"x": 0, "y": 0, "width": 2, "height": 1, "layers": [0], "label": "layer 0"}
        >>> head = {"x": 2, "y": 0, "width": 2, "height": 1, "layers": [], "label": "head"}
        >>> print(floor_plan([block, head], (4, 1)))
        ┌────┐
        │AA##│
        └────┘
        A layer 0 · # head
    """
    columns, rows = min(grid[0], _FLOOR_COLUMNS), min(grid[1], _FLOOR_ROWS)
    cells = [["·"] * columns for _ in range(rows)]
    names, signs = [], []
    for number, region in enumerate(regions):
        sign = _LETTERS[number % len(_LETTERS)] if region["layers"] else "#"
        signs.append(sign)
        names.append(f"{sign} {region['label']}")
        left, right = _scaled(region["x"], region["width"], grid[0], columns)
        top, bottom = _scaled(region["y"], region["height"], grid[1], rows)
        for row in cells[top:bottom]:
            row[left:right] = [sign] * (right - left)
    lines = [f"┌{'─' * columns}┐", *(f"│{''.join(row)}│" for row in cells), f"└{'─' * columns}┘"]
    return "\n".join([*lines, " · ".join(names)])


def _scaled(start: int, size: int, whole: int, cells: int) -> tuple[int, int]:
    """Return the first cell and the one after the last of a stretch, at least one cell."""
    first = start * cells // whole
    return first, max(first + 1, (start + size) * cells // whole)
