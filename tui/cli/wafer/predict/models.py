"""`spark-tui wafer predict decode|prefill|train-step`: whole models, planned and compiled."""

from functools import partial
from pathlib import Path

import click

import engine
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option, machine_options
from tui.cli.wafer.predict.asking import (
    asked,
    block_option,
    blocks_option,
    config_option,
    dtype_option,
    print_answer,
    print_simulated,
    size_option,
    tier_option,
)

__all__ = ["decode", "prefill", "train_step"]


@click.command()
@config_option
@size_option("--context", "Rows in the KV cache.")
@blocks_option
@block_option
@dtype_option
@tier_option("analytic", "cycle")
@click.option(
    "--sample",
    type=click.Choice(("wafer", "host")),
    default="wafer",
    show_default=True,
    help="Who chooses the token; the host gets every logit over its link.",
)
@machine_options
@json_option
def decode(
    config: Path,
    context: int,
    blocks: int | None,
    block: tuple[int, int] | None,
    dtype: str,
    tier: str,
    sample: str,
    machine: str,
    clock: float | None,
    as_json: bool,
) -> None:
    """One decoded token of a whole model, planned and compiled as the app does it.

    On the cycle tier region by region, alike ones once, beside the cycles by formula. That takes
    about ten to twenty seconds a layer and three to six gigabytes, and ends at Ctrl+C.
    """
    if tier == "cycle":
        if sample == "host":
            raise WrongCallError("the host's link is not simulated: ask for the analytic tier")
        question = engine.LayerQuestion(context, blocks=blocks, block=block, dtype=dtype)
        print_simulated(engine.simulate_decode, machine, config, question, clock, as_json)
        return
    print_answer(
        lambda: engine.predict_decode(
            machine,
            config=config,
            context=context,
            blocks=blocks,
            block=block,
            dtype=dtype,
            sample=sample,
            clock_ghz=clock,
        ),
        as_json,
    )


@click.command()
@config_option
@size_option("--tokens", "Tokens of the prompt.")
@click.option("--chunk", type=int, help="Tokens of a chunk; default: what takes fewest cycles.")
@click.option("--blocks", type=int, help="Blocks of layers; default: as many as lie on a wafer.")
@click.option("--side", type=int, help="Cores along a block's edge; default: 256.")
@machine_options
@json_option
def prefill(
    config: Path,
    tokens: int,
    chunk: int | None,
    blocks: int | None,
    side: int | None,
    machine: str,
    clock: float | None,
    as_json: bool,
) -> None:
    """A whole prompt in fp16: by a program of its own, and streamed through decode's layout.

    The first multiplies chunks by MeshGEMM, whose sums come in another order: it is priced, never
    run. What the app runs is the second, whose bits do not depend on how a prompt is split.
    """
    print_answer(
        lambda: engine.predict_prefill(
            machine,
            config=config,
            tokens=tokens,
            chunk=chunk,
            blocks=blocks,
            side=side,
            clock_ghz=clock,
        ),
        as_json,
    )


@click.command("train-step")
@config_option
@size_option("--rows", "Rows of the batch.")
@size_option("--tokens", "Tokens of a row.")
@click.option(
    "--layout",
    type=click.Choice(("resident", "streamed")),
    help="Weights in the cores, or from outside; default: what is faster on one wafer.",
)
@click.option(
    "--optimizer",
    type=click.Choice(("muon", "adamw")),
    default="muon",
    show_default=True,
    help="Of the matrices of layers; all else is AdamW's.",
)
@click.option("--side", type=int, help="Cores along a resident block's edge; default: the fastest.")
@click.option("--blocks", type=int, help="Resident blocks of layers; default: as many as fit.")
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    help="Write a picture of the step here and on 8 and 64 GPUs.",
)
@machine_options
@json_option
def train_step(
    config: Path,
    rows: int,
    tokens: int,
    layout: str | None,
    optimizer: str,
    side: int | None,
    blocks: int | None,
    svg: Path | None,
    machine: str,
    clock: float | None,
    as_json: bool,
) -> None:
    """A training step in fp16 with fp32 sums: forward, backward and optimisers, by phase.

    Beside it stands the same step on 8 and 64 H100, data-parallel, a model from published figures.
    Both are priced, never run; `wafer validate`, 33, has measured steps.
    """
    ask = partial(
        engine.predict_train_step, machine, config=config, rows=rows, tokens=tokens, side=side,
        blocks=blocks, layout=layout, optimizer=optimizer, clock_ghz=clock,
    )  # fmt: skip
    if svg is not None:
        svg.write_text(engine.training_picture(asked(ask)), encoding="utf-8")
    print_answer(ask, as_json)
