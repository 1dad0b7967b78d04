"""What the predictions share: their options, and their answers for people and programs."""

from collections.abc import Callable
from pathlib import Path

import click

import engine
from engine.errors import EngineError
from tui.cli.failures import WrongCallError
from tui.cli.options import PRICED_FORMATS, BlockOption
from tui.cli.output import say, say_json
from tui.cli.progress import ProgressLine
from tui.cli.wafer.both_tiers import print_both_tiers
from tui.cli.wafer.facts import print_facts, shown

__all__ = [
    "GROUP_HELP",
    "asked",
    "block_option",
    "blocks_option",
    "config_option",
    "dtype_option",
    "print_answer",
    "print_simulated",
    "size_option",
    "tier_option",
]


GROUP_HELP = (
    "Groups of the two-phase and two-tree algorithms; default: the divisor nearest the root. In "
    "two phases the last one may be smaller."
)


def print_answer(ask: Callable[[], "engine.Prediction"], as_json: bool) -> None:
    """Print a prediction; every refusal is a wrong call."""
    answer = asked(ask).as_json()
    if as_json:
        say_json(answer)
        return
    parts, beside = answer.pop("operations", {}), answer.pop("beside", [])
    print_facts(answer)
    if isinstance(parts, dict):
        for name, cycles in parts.items():
            say(f"  {name:<36} {shown(round(cycles)):>12}")
    if isinstance(beside, list):
        for each in beside:
            say("")
            print_facts(each)


def asked(ask: Callable[[], "engine.Prediction"]) -> "engine.Prediction":
    """Return a prediction.

    Raises:
        WrongCallError: The engine refuses the question.
    """
    try:
        return ask()
    except EngineError as error:
        raise WrongCallError(str(error)) from error


def print_simulated(
    simulate: Callable[..., "engine.TiersPrediction"],
    machine: str,
    config: Path,
    question: "engine.LayerQuestion",
    clock: float | None,
    as_json: bool,
) -> None:
    """Print cycles as simulated and by formula."""
    with ProgressLine() as progress:
        try:
            found = simulate(
                machine, config=config, question=question, clock_ghz=clock,
                on_progress=progress.counting("simulate"),
            )  # fmt: skip
        except EngineError as error:
            raise WrongCallError(str(error)) from error
    if as_json:
        say_json(found.as_json())
    else:
        print_both_tiers(found)


def size_option(
    name: str, text: str, *, default: int | None = None
) -> Callable[..., Callable[..., object]]:
    """An option that is a whole number; the engine knows the limits."""
    if default is None:
        return click.option(name, type=int, required=True, help=text)
    return click.option(name, type=int, default=default, show_default=True, help=text)


def tier_option(*tiers: str) -> Callable[..., Callable[..., object]]:
    """The way to the cycles; the first is the default."""
    return click.option(
        "--tier",
        type=click.Choice(tiers),
        default=tiers[0],
        show_default=True,
        help="By our own costs, by cycle-level simulation, or as published.",
    )


config_option = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A Hugging Face config.json; no weights are read.",
)


blocks_option = click.option(
    "--blocks", type=int, help="Blocks of layers; default: the planner's choice."
)


block_option = click.option(
    "--block", type=BlockOption(), help="Columns and rows of a block; default: the planner's."
)


dtype_option = click.option(
    "--dtype", type=click.Choice(PRICED_FORMATS), default=PRICED_FORMATS[0], show_default=True
)
