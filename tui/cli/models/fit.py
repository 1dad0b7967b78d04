"""`spark-tui models fit`: repository knowledge and threshold, fitted to a model on your code."""

from __future__ import annotations

from pathlib import Path

import click

import engine
from tui.cli.extras import need_extra
from tui.cli.options import json_option, resolve_model
from tui.cli.output import say, say_json
from tui.cli.suite_bar import SuiteBar

__all__ = ["fit"]


@click.command(short_help="Fit repository knowledge and threshold to a model.")
@click.argument("name")
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=".",
    help="Python code that the model was not trained on, a folder for each repository; default: "
    "the working folder.",
)
@click.option(
    "--questions",
    type=click.IntRange(min=1),
    default=240,
    show_default=True,
    help="Whole lines, and as many rests of lines, to fit the mixture on.",
)
@click.option(
    "--judged",
    type=click.IntRange(min=1),
    default=240,
    show_default=True,
    help="Answers from which the threshold follows.",
)
@click.option("--only-threshold", is_flag=True, help="Keep the mixture that the model has.")
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 1024),
    help="Ask the questions of N processes, each with the model open and one thread.",
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="The same on the Ray cluster at HOST:PORT, or 'auto' (extra 'ray').",
)
@click.option("--seed", type=click.IntRange(min=0), default=3, show_default=True)
@json_option
def fit(
    name: str,
    data: Path,
    questions: int,
    judged: int,
    only_threshold: bool,
    workers: int | None,
    ray: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Fit to the model NAME how much the code of a repository counts, and what is worth showing.

    Takes minutes to hours, by the model's size.  The numbers are kept for you and count from the
    engine's next start.
    """
    if ray is not None:
        need_extra("ray", "ray")
    plan = engine.FitPlan(questions, judged, seed, only_threshold)
    model = resolve_model(name)
    with SuiteBar("questions") as bar:
        many = engine.choose_workers(workers, ray) if workers or ray else None
        fitted = engine.fit_knowledge(
            model,
            data.absolute(),
            plan,
            answerer=None if many is None else engine.FitWorkers(model, many),
            on_item=lambda label, done, total: bar.show(done, total),
        )
    tuning = fitted.tuning
    if as_json:
        facts = {"threshold": tuning.threshold, **tuning.fitted_on}
        say_json({"name": fitted.model, "path": str(fitted.path), **facts})
        return
    for fact, value in tuning.fitted_on.items():
        say(f"{fact.replace('_', ' ')}: {value}")
    shown = "all is shown" if tuning.threshold is None else f"threshold {tuning.threshold:.3f}"
    say(f"{shown}; the numbers of {fitted.model} are in {fitted.path}")
