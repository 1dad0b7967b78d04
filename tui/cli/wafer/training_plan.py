"""`spark-tui wafer plan --train CONFIG`: how a training step can lie, and what limits it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

import engine
from engine.errors import EngineError
from tui.cli.failures import WrongCallError
from tui.cli.output import say, say_json

__all__ = ["TrainingPlanAsked", "print_training_plan", "training_options"]

_ABOUT = {
    "resident": "weights, gradients and optimisers in the cores, rows pipelined (priced)",
    "streamed": "weights from outside, a layer at a time, micro-batches in turn (priced)",
    "program": "one rectangle, fp32, rows in turn, the same bits on every tier (runs)",
}


@dataclass(frozen=True, slots=True)
class TrainingPlanAsked:
    """What is to be trained, and how much of it at once."""

    config: Path
    batch: int
    sequence: int
    micro_batch: int | None
    optimizer: str


def training_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a training plan to a command."""
    for option in reversed(
        (
            click.option(
                "--train", metavar="CONFIG.json", type=click.Path(path_type=Path),
                help="Plan a training step of this configuration instead.",
            ),
            click.option("--batch", type=click.IntRange(1), default=64, show_default=True,
                         help="With --train: rows of a step."),
            click.option("--micro-batch", type=click.IntRange(1),
                         help="With --train: rows on the wafer at once where weights stream; "
                         "default: the fastest."),
            click.option("--sequence", type=click.IntRange(1), default=512, show_default=True,
                         help="With --train: tokens of a row."),
            click.option("--optimizer", type=click.Choice(("muon", "adamw")), default="muon",
                         show_default=True, help="With --train: of the matrices of layers."),
        )
    ):  # fmt: skip
        command = option(command)
    return command


def print_training_plan(
    asked: TrainingPlanAsked, machine: str, clock: float | None, as_json: bool
) -> int:
    """Print a plan; returns 1 where no layout fits one wafer."""
    try:
        found = engine.plan_training(
            machine, config=asked.config, rows=asked.batch, tokens=asked.sequence,
            micro_batch=asked.micro_batch, optimizer=asked.optimizer, clock_ghz=clock,
        )  # fmt: skip
    except EngineError as error:
        raise WrongCallError(str(error)) from error
    if as_json:
        say_json(found)
    else:
        _print(found)
    return 0 if found["fastest"] else 1


def _print(found: dict[str, Any]) -> None:
    say(
        f"{found['model']}, {found['parameters']:,} parameters: a step of {found['rows']} × "
        f"{found['tokens']:,} tokens on {found['machine']} at {found['clock_ghz']:g} GHz, "
        f"{found['optimizer']}"
    )
    for layout in found["layouts"]:
        say("")
        name = layout["layout"]
        mark = " ← the fastest on one wafer" if name == found["fastest"] else ""
        say(f"{name}: {_ABOUT[name]}{mark}")
        _print_layout(layout)


def _print_layout(layout: dict[str, Any]) -> None:
    if not layout["fits_one_wafer"]:
        say(f"  does not fit one wafer: {layout['limited_by']}")
    if "cycles" not in layout:
        return
    uses = layout["sram_bytes_per_core"]
    shares = ", ".join(f"{use} {size:,}" for use, size in uses.items() if use != "max_total")
    wafers = layout["wafers"]
    say(
        f"  {layout['cycles']:,} cycles, {layout['seconds']:.4g} s; {layout['cores']:,} cores on "
        f"{wafers} wafer{'s' if wafers > 1 else ''}"
    )
    say(f"  {_rates(layout)}")
    say(f"  {_traffic(layout)}")
    filling = layout.get("phases", {}).get("filling and draining")
    if filling is not None:
        say(
            f"  {layout['blocks']} blocks of layers and {layout['head_blocks']} of the head, one "
            f"row forward, one backward: filling and draining are {filling:,} of the cycles"
        )
    if "optimiser_cycles" in layout:
        say(f"  {layout['optimiser_cycles']:,} of the cycles are the optimiser's")
    fullest = layout["fullest_use"]
    say(f"  fullest core {uses['max_total']:,} bytes ({shares}), most of it {fullest}")
    if "colors_taken" in layout:
        say(
            f"  a core takes {layout['colors_taken']} colors and gives {layout['colors_given']}; "
            "the machine leaves a program six queues of each kind"
        )


def _rates(layout: dict[str, Any]) -> str:
    rate = f"{layout['tokens_per_second']:,.0f} tokens a second"
    used = layout.get("utilisation")
    return rate if used is None else f"{rate}, {used:.1%} of the peak"


def _traffic(layout: dict[str, Any]) -> str:
    """Return what crosses links and edges, and how often cores wait for each other."""
    parts = [
        f"{layout['link_wavelets']:.3g} wavelets × links, {layout['link_bytes']:.3g} bytes × links"
    ]
    if "off_chip_bytes" in layout:
        parts.append(f"{layout['off_chip_bytes']:.3g} bytes between the wafer and the outside")
        parts.append(f"sums that all cores wait for: {layout['wafer_wide_sums']:,}")
    else:
        parts.append(f"sums along rows and columns: {layout['sums']:,}")
    return "; ".join(parts)
