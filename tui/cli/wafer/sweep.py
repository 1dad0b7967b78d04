"""`spark-tui wafer sweep`: one question over a grid of machines, models and sizes."""

from pathlib import Path

import click

import engine
from tui.cli.extras import need_extra
from tui.cli.options import json_option
from tui.cli.output import say, say_json, tell
from tui.cli.suite_bar import SuiteBar
from tui.format import count_text

__all__ = ["sweep"]


@click.command(short_help="Ask one question over a grid, on many processes.")
@click.argument("grid", metavar="GRID.toml", type=click.Path(path_type=Path))
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(path_type=Path),
    required=True,
    help="Results as JSON lines, or as Parquet where it ends in .parquet (extra 'ray').",
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 1024),
    help="Processes; default: one for each core.",
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Compute on the Ray cluster at HOST:PORT, or 'auto' (extra 'ray').",
)
@click.option(
    "--plot",
    metavar="FILE.svg",
    type=click.Path(path_type=Path),
    help="Draw the cycles of a token over the context.",
)
@json_option
def sweep(
    grid: Path, out: Path, workers: int | None, ray: str | None, plot: Path | None, as_json: bool
) -> int:
    """Answer every point of GRID.toml, and go on where an earlier run was ended.

    A point is a machine, a model, a context, a type of weights and a placement; the question is
    "plan", "decode" or "simulate".  How the results came to be stands in FILE.provenance.json.
    """
    if out.suffix == ".parquet":
        need_extra("ray", "pyarrow")
    if ray is not None:
        need_extra("ray", "ray")
    points = engine.read_grid(grid)
    with SuiteBar("points") as line:
        report = engine.run_sweep(
            points,
            out,
            engine.choose_workers(workers, ray),
            on_progress=line.show,
        )
    if plot is not None:
        plot.write_text(engine.plot_sweep(report.rows), encoding="utf-8")
    if as_json:
        say_json(report.as_json())
    else:
        say(
            f"{count_text(report.points)} points in {out}: {count_text(report.computed)} computed"
            f" now in {report.seconds:.1f} s, {count_text(report.failed)} without an answer"
        )
    if report.failed:
        first = next(result["error"] for _, result in report.rows if "error" in result)
        tell(f"the first without an answer: {first}")
    return 0
