"""`spark-tui adapt`: teaches a model the repository it works in."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Any

import click
import msgspec

import engine
from engine.units import size_text
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option
from tui.cli.output import say, say_json, tell
from tui.cli.progress import TerminalLine
from tui.cli.source import private_patterns
from tui.files.repository import find_root

__all__ = ["AdaptLine", "adapt"]

_PLAIN_SECONDS = 30.0
"""Time between two lines where there is no terminal."""
_SHOWN = ("bits_per_byte", "mid", "line")


@click.command(short_help="Teach a model this repository; keep it if it is better.")
@click.argument("folder", metavar="[DIR]", type=click.Path(path_type=Path), default=Path())
@click.option(
    "--model",
    metavar="M",
    help="A model; of a large one, or of a GGUF file, adapters learn.  Default: spark-nano.",
)
@click.option(
    "--minutes",
    metavar="N",
    type=click.FloatRange(0.01, 10_000),
    default=10.0,
    show_default=True,
    help="Computing time of the learning; judging takes some minutes more.",
)
@json_option
def adapt(folder: Path, model: str | None, minutes: float, as_json: bool) -> None:
    """Teach a model the repository in or around DIR, and keep the result if it is better.

    Learns from the repository's own files, never from ignored or private ones; nothing is written
    into it.  All weights of a small model learn; beside those of a larger one, or of a GGUF file,
    low-rank adapters do, which are then merged into a file of its own.  Whole files are held out:
    the learnt model is kept, as NAME+REPOSITORY beside the other models, only if it predicts them
    better than before, beyond chance.  Runs at the lowest priority and waits while you type in the
    app, or on battery.  Stopped or killed at any point, the same command goes on.
    """
    if not folder.is_dir():
        raise WrongCallError(f"'{folder}' is no directory; name the repository's")
    process = engine.AdaptingProcess(
        find_root(folder),
        model=model,
        private_patterns=private_patterns(),
        plan={"minutes": minutes},
    )
    try:
        with AdaptLine() as line:
            ended = process.follow(line.show)
    except KeyboardInterrupt:
        tell("stopping; what it learnt so far is kept, and the same command goes on")
        raise
    finally:
        process.close()
    if as_json:
        say_json(msgspec.to_builtins(ended))
    else:
        _report(ended)


def _report(ended: engine.Adapted) -> None:
    files = ended.files
    say(
        f"learnt {files['learnt']} files in {ended.steps} steps of {ended.epochs} readings, "
        f"{ended.tokens} tokens, {ended.seconds / 60:.1f} min; held out {files['watched']} to know "
        f"when to stop and how far to go, and {files['judged']} to judge by"
    )
    if "choice" in ended.figures:
        say(f"share: {_told_choice(ended.figures['choice'])}")
    for name in _SHOWN:
        if name in ended.figures:
            say(f"{name}: {_told(name, ended.figures[name])}")
    say(f"{ended.name}: {ended.why}")
    if ended.path is not None:
        size = size_text(ended.size_bytes)
        say(f"it lies in {ended.path} ({size}); `spark-tui --model {ended.name}` uses it")


def _told_choice(figures: Any) -> str:
    """Return how far the weights went, and how likely right answers are at each share."""
    bits = ", ".join(
        f"{100 * float(share):.0f} % {each:.3f}" for share, each in figures["bits_per_byte"].items()
    )
    told = (
        f"{100 * figures['share']:.0f} % of the way to what it learnt; bits a byte of "
        f"{figures['n']} rests of lines: {bits}"
    )
    if not figures.get("fitted"):
        return told
    anew = figures["fitted_bits_per_byte"][f"{figures['share']:g}"]
    return f"{told}; with the repository's knowledge weighed anew {anew:.3f}"


def _told(name: str, figures: Any) -> str:
    """Return the figures of one measure: before, after, and how sure the difference is."""
    before, after = figures["before"], figures["after"]
    if name == "bits_per_byte":
        low, high = figures["ratio_ci"] or (float("nan"), float("nan"))
        return f"{before:.3f} → {after:.3f}, before ÷ after {low:.3f} to {high:.3f}"
    if before is None:
        return "no questions"
    low, high = (100 * bound for bound in figures["difference_ci"])
    return (
        f"{100 * before:.1f} % → {100 * after:.1f} % of {figures['n']}, {low:+.1f} to {high:+.1f} "
        f"points ({figures['gained']} gained, {figures['lost']} lost)"
    )


class AdaptLine:
    """Shows the progress: on a terminal in one line, elsewhere in a line now and then."""

    def __init__(self) -> None:
        self._line = TerminalLine()
        self._stage, self._told_at = "", 0.0

    def __enter__(self) -> AdaptLine:
        return self

    def __exit__(self, *raised: object) -> None:
        self._line.clear()

    def show(self, progress: engine.AdaptProgress) -> None:
        """Show how far it is."""
        if progress.stage == "planned":
            self._line.clear()
            tell(progress.detail)
            return
        text = progress_text(progress)
        if self._line.on_terminal:
            self._line.write(text)
            return
        now = monotonic()
        if progress.stage != self._stage or now - self._told_at >= _PLAIN_SECONDS:
            self._stage, self._told_at = progress.stage, now
            tell(text)


def progress_text(progress: engine.AdaptProgress) -> str:
    """Return a report as text: ``learning 12 %: step 40, loss 2.13``."""
    if progress.stage == "waiting":
        return progress.detail
    share = f" {progress.share:.0%}" if progress.share else ""
    detail = f": {progress.detail}" if progress.detail else ""
    return f"{progress.stage}{share}{detail}"
