"""`spark-tui logits`: writes a model's logits for given tokens to a NumPy file."""

import os
from pathlib import Path

import click

import engine
from engine.protocol.messages import Progress
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option, machine_option, model_option, resolve_model
from tui.cli.output import say, say_json
from tui.cli.progress import ProgressLine

__all__ = ["logits"]


@click.command(short_help="Write a model's logits for given tokens.")
@model_option
@click.option(
    "--tokens", metavar="ID,…", required=True, help="Tokens, from an empty context; see tokenize."
)
@click.option("--tier", metavar="NAME", default="fast", show_default=True, help="Who computes.")
@machine_option
@click.option(
    "--out",
    metavar="FILE.npy",
    required=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="Where to write: float32, tokens × vocabulary.",
)
@json_option
def logits(
    model: str | None, tokens: str, tier: str, machine: str, out: Path, as_json: bool
) -> None:
    """Write the logits after each token: float32, tokens × vocabulary.

    All tiers (fast, cycle, reference) write the same bits.
    """
    model = resolve_model(model)
    ids = _ids(tokens)
    if not os.path.isdir(out.parent):
        raise WrongCallError(f"cannot write {out}: there is no folder {out.parent}")
    with ProgressLine() as progress:
        try:
            shape = engine.write_logits(
                model,
                ids,
                out,
                tier=tier,
                machine=machine,
                threads=engine.default_threads(),
                on_progress=lambda *step: progress.show(Progress("logits", *step)),
            )
        except OSError as error:
            raise WrongCallError(f"cannot write {out}: {error.strerror or error}") from error
    if as_json:
        say_json({"out": str(out), "shape": shape, "tier": tier})
    else:
        say(f"{out}: {shape[0]} × {shape[1]} float32")


def _ids(tokens: str) -> list[int]:
    """Return the numbers of a list with commas."""
    try:
        return [int(each) for each in tokens.split(",")]
    except ValueError:
        raise WrongCallError(
            f"--tokens takes numbers with commas between them, not '{tokens[:60]}'"
        ) from None
