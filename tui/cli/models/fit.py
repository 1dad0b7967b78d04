"""`spark-tui models fit`: fits repository knowledge, and what is shown unasked, to a model."""

import json
import sys
from pathlib import Path

import click

import engine
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option, resolve_model

__all__ = ["fit"]

_CLEAR = "\r\x1b[2K"
_PLAIN_STEP = 50
"""Questions between two lines where there is no terminal."""


@click.command(short_help="Fit repository knowledge and the threshold to a model.")
@click.argument("name")
@click.option(
    "--data",
    metavar="DIR",
    type=click.Path(path_type=Path),
    default=Path(),
    help="Python code to draw questions from, one folder for each repository; default: this one.",
)
@click.option("--questions", type=click.IntRange(4, 100_000), default=240, show_default=True)
@click.option("--judged", type=click.IntRange(1, 100_000), default=240, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=3, show_default=True)
@click.option("--only-threshold", is_flag=True, help="Keep the mixture that the model has.")
@json_option
def fit(
    name: str,
    data: Path,
    questions: int,
    judged: int,
    seed: int,
    only_threshold: bool,
    as_json: bool,
) -> None:
    """Fit repository knowledge to the model NAME, and the threshold below which nothing is shown.

    Half of the questions fit the mixture, the other half the threshold; both should be code that
    the model was not trained on.  Takes minutes to hours, by the model's speed.  The numbers are
    kept for this user and count before those that come with the program.
    """
    if not data.is_dir():
        raise WrongCallError(f"'{data}' is no directory; --data takes one with Python code")
    plan = engine.FitPlan(questions, judged, seed, only_threshold)
    try:
        fitted = engine.fit_knowledge(resolve_model(name), data.resolve(), plan, on_item=_show)
    finally:
        if sys.stderr.isatty():
            click.echo(_CLEAR, nl=False, err=True)
    facts = fitted.tuning.fitted_on
    if as_json:
        found = {"model": fitted.model, "path": str(fitted.path)}
        click.echo(json.dumps(found | {"threshold": fitted.tuning.threshold, "fitted_on": facts}))
        return
    click.echo(f"{fitted.model}: threshold {fitted.tuning.threshold}, kept in {fitted.path}")
    for fact, value in facts.items():
        click.echo(f"  {fact}: {value}")


def _show(label: str, done: int, total: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"{_CLEAR}{label} {done} of {total}", nl=False, err=True)
    elif done % _PLAIN_STEP == 0 or done == total:
        click.echo(f"{label} {done} of {total}", err=True)
