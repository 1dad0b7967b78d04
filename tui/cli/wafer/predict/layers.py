"""`spark-tui wafer predict decode-layer|prefill-layer`: one layer, of given sizes or of a model."""

from collections.abc import Callable
from pathlib import Path

import click

import engine
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option, machine_options
from tui.cli.wafer.predict.asking import (
    GROUP_HELP,
    block_option,
    blocks_option,
    dtype_option,
    print_answer,
    print_simulated,
    size_option,
    tier_option,
)

__all__ = ["decode_layer", "prefill_layer"]


_ours = (
    click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="For the cycle tier: a config.json, or a GGUF file; no weights are read.",
    ),
    click.option("--layer", type=int, default=0, show_default=True, help="Which layer of it."),
    blocks_option,
    block_option,
    dtype_option,
    tier_option("analytic", "cycle"),
)


def _layer_options(command: Callable[..., object]) -> Callable[..., object]:
    """Add what asks for a layer of a model on the cycle tier."""
    for option in reversed(_ours):
        command = option(command)
    return command


def _wanted(name: str, text: str) -> Callable[..., Callable[..., object]]:
    """An option that is a whole number and belongs to one of two ways to ask."""
    return click.option(name, type=int, help=text)


@click.command("decode-layer")
@_wanted("--dim", "Width of the residual stream.")
@_wanted("--ffn", "Width of the feed-forward activations.")
@_wanted("--seq", "Rows in the KV cache.")
@_wanted("--side", "Cores along one edge of the square, P.")
@click.option("--group", type=int, help=GROUP_HELP)
@_layer_options
@machine_options
@json_option
def decode_layer(
    dim: int | None,
    ffn: int | None,
    seq: int | None,
    side: int | None,
    group: int | None,
    config: Path | None,
    layer: int,
    blocks: int | None,
    block: tuple[int, int] | None,
    dtype: str,
    tier: str,
    machine: str,
    clock: float | None,
    as_json: bool,
) -> None:
    r"""One decode layer: in WaferLLM's way, or a model's on the cycle tier.

    \b
    --dim --ffn --seq --side      in fp16, as WaferLLM does it: full-width keys and values
    --config --seq --tier cycle   a layer of a model in its block, simulated and by formula
    """
    if tier == "cycle":
        (rows,) = _needed(seq=seq).values()
        question = engine.LayerQuestion(rows, layer=layer, blocks=blocks, block=block, dtype=dtype)
        print_simulated(
            engine.simulate_layer, machine, _config_of(config), question, clock, as_json
        )
        return
    sizes = _needed(dim=dim, ffn=ffn, seq=seq, side=side)
    print_answer(
        lambda: engine.predict_decode_layer(machine, **sizes, groups=group, clock_ghz=clock),
        as_json,
    )


@click.command("prefill-layer")
@_wanted("--dim", "Width of the residual stream.")
@_wanted("--ffn", "Width of the feed-forward activations.")
@size_option("--tokens", "Tokens of the prompt; on the cycle tier rows of a step, 1 to 64.")
@_wanted("--side", "Cores along one edge of the square, P.")
@size_option("--seq", "Rows in the KV cache before them, on the cycle tier.", default=0)
@_layer_options
@machine_options
@json_option
def prefill_layer(
    dim: int | None,
    ffn: int | None,
    tokens: int,
    side: int | None,
    seq: int,
    config: Path | None,
    layer: int,
    blocks: int | None,
    block: tuple[int, int] | None,
    dtype: str,
    tier: str,
    machine: str,
    clock: float | None,
    as_json: bool,
) -> None:
    r"""One prefill layer: in WaferLLM's way, or a model's on the cycle tier.

    \b
    --dim --ffn --tokens --side      in fp16, as WaferLLM does it: all products by MeshGEMM
    --config --tokens --tier cycle   rows one after the other through a layer of a model, as the
                                     app streams them, simulated and by formula
    """
    if tier == "cycle":
        question = engine.LayerQuestion(
            seq, rows=tokens, layer=layer, blocks=blocks, block=block, dtype=dtype
        )
        print_simulated(
            engine.simulate_layer, machine, _config_of(config), question, clock, as_json
        )
        return
    sizes = _needed(dim=dim, ffn=ffn, side=side)
    print_answer(
        lambda: engine.predict_prefill_layer(machine, **sizes, tokens=tokens, clock_ghz=clock),
        as_json,
    )


def _needed(**sizes: int | None) -> dict[str, int]:
    """Return the sizes of a layer in WaferLLM's way.

    Raises:
        WrongCallError: One is missing.
    """
    missing = [f"--{name}" for name, size in sizes.items() if size is None]
    if missing:
        raise WrongCallError(
            f"missing {', '.join(missing)}; or ask for a model's layer: --config FILE --tier cycle"
        )
    return {name: size for name, size in sizes.items() if size is not None}


def _config_of(config: Path | None) -> Path:
    if config is None:
        raise WrongCallError("the cycle tier takes a model's layer: name it with --config")
    return config
