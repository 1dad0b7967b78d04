"""`spark-tui wafer predict …`: cycles of collectives, products and layers of any size."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

import engine
from engine.errors import EngineError
from tui.cli.failures import WrongCallError
from tui.cli.options import PRICED_FORMATS, BlockOption, json_option, machine_options
from tui.cli.output import say, say_json
from tui.cli.progress import ProgressLine
from tui.cli.wafer.both_tiers import print_both_tiers
from tui.cli.wafer.facts import print_facts, shown

__all__ = ["predict"]

_GROUP = (
    "Groups of the two-phase and two-tree algorithms; default: the divisor nearest the root. In "
    "two phases the last one may be smaller."
)


@click.group(short_help="Cycles of collectives, products and layers of any size.")
def predict() -> None:
    """Predict the cycles of a collective, a product, a layer or a whole decode step.

    Sizes are checked against the machine; what does not fit is refused with the limit.
    """


def _answer(ask: Callable[[], "engine.Prediction"], as_json: bool) -> None:
    """Print a prediction; every refusal is a wrong call."""
    answer = _asked(ask).as_json()
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


def _asked(ask: Callable[[], "engine.Prediction"]) -> "engine.Prediction":
    try:
        return ask()
    except EngineError as error:
        raise WrongCallError(str(error)) from error


def _size(
    name: str, text: str, *, default: int | None = None
) -> Callable[..., Callable[..., object]]:
    """An option that is a whole number; the engine knows the limits."""
    if default is None:
        return click.option(name, type=int, required=True, help=text)
    return click.option(name, type=int, default=default, show_default=True, help=text)


def _tier(*tiers: str) -> Callable[..., Callable[..., object]]:
    return click.option(
        "--tier",
        type=click.Choice(tiers),
        default=tiers[0],
        show_default=True,
        help="By our own costs, by cycle-level simulation, or as published.",
    )


@predict.command()
@click.option("--op", type=click.Choice(("broadcast", "reduce", "allreduce")), required=True)
@click.option(
    "--algorithm",
    type=click.Choice(("star", "chain", "tree", "two-phase", "ring", "two-tree", "multicast")),
    required=True,
)
@_size("--cores", "Columns, P.")
@_size("--rows", "Rows, R; X first, then Y.", default=1)
@click.option("--group", type=int, help=_GROUP)
@_size("--wavelets", "Length of every core's vector in 32-bit wavelets, B.")
@click.option("--dtype", type=click.Choice(("fp32", "fp16")), default="fp32", show_default=True)
@_tier("analytic", "cycle", "formula")
@machine_options
@json_option
def collective(
    op: str,
    algorithm: str,
    cores: int,
    rows: int,
    group: int | None,
    wavelets: int,
    dtype: str,
    tier: str,
    machine: str,
    clock: float | None,
    as_json: bool,
) -> None:
    """A broadcast, a reduction or an all-reduce over P columns × R rows."""
    question = engine.CollectiveQuestion(
        op=op,
        algorithm=algorithm,
        cores=cores,
        wavelets=wavelets,
        rows=rows,
        groups=group,
        dtype=dtype,
    )
    _answer(
        lambda: engine.predict_collective(machine, question, tier=tier, clock_ghz=clock), as_json
    )


@predict.command()
@_size("--cores", "Cores of the row, N.")
@_size("--bytes", "Payload in bytes, B.")
@_tier("analytic", "cycle", "formula")
@machine_options
@json_option
def multicast(
    cores: int, bytes: int, tier: str, machine: str, clock: float | None, as_json: bool
) -> None:
    """A multicast along a row, dispatch included."""
    _answer(
        lambda: engine.predict_multicast(
            machine, cores=cores, payload_bytes=bytes, tier=tier, clock_ghz=clock
        ),
        as_json,
    )


@predict.command()
@_size("--elements", "Length of both vectors.")
@click.option(
    "--kind",
    type=click.Choice(("fmacs", "fadds", "fmachs", "fmach", "mac_int8")),
    default="fmacs",
    show_default=True,
    help="The instruction, as CSL names it.",
)
@_size("--apart", "Bytes from one vector to the other: multiples of 8 share banks.", default=4)
@machine_options
@json_option
def vector(
    elements: int, kind: str, apart: int, machine: str, clock: float | None, as_json: bool
) -> None:
    """One vector instruction of one core: its width, what the memory gives, bank conflicts."""
    _answer(
        lambda: engine.predict_vector(
            machine, elements=elements, kind=kind, apart=apart, clock_ghz=clock
        ),
        as_json,
    )


_config = click.option(
    "--config",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    help="A Hugging Face config.json; no weights are read.",
)


_blocks = click.option(
    "--blocks", type=int, help="Blocks of layers; default: the planner's choice."
)
_block = click.option(
    "--block", type=BlockOption(), help="Columns and rows of a block; default: the planner's."
)
_dtype = click.option(
    "--dtype", type=click.Choice(PRICED_FORMATS), default=PRICED_FORMATS[0], show_default=True
)


@predict.command()
@_config
@_size("--context", "Rows in the KV cache.")
@_blocks
@_block
@_dtype
@_tier("analytic", "cycle")
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
    about ten seconds a layer and up to some gigabytes, and ends at Ctrl+C.
    """
    if tier == "cycle":
        if sample == "host":
            raise WrongCallError("the host's link is not simulated: ask for the analytic tier")
        question = engine.LayerQuestion(context, blocks=blocks, block=block, dtype=dtype)
        _both_tiers(engine.simulate_decode, machine, config, question, clock, as_json)
        return
    _answer(
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


@predict.command()
@_config
@_size("--tokens", "Tokens of the prompt.")
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
    _answer(
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


@predict.command("train-step")
@_config
@_size("--rows", "Rows of the batch.")
@_size("--tokens", "Tokens of a row.")
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
        svg.write_text(engine.training_picture(_asked(ask)), encoding="utf-8")
    _answer(ask, as_json)


@predict.command()
@_size("--k", "Inputs, K.")
@_size("--n", "Outputs, N.")
@_size("--side", "Cores along one edge of the square, P.")
@click.option("--group", type=int, help=_GROUP)
@machine_options
@json_option
def gemv(
    k: int,
    n: int,
    side: int,
    group: int | None,
    machine: str,
    clock: float | None,
    as_json: bool,
) -> None:
    """A vector times a K × N matrix in fp16, as WaferLLM does it."""
    _answer(
        lambda: engine.predict_gemv(machine, k=k, n=n, side=side, groups=group, clock_ghz=clock),
        as_json,
    )


def _both_tiers(
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


_ours = (
    click.option(
        "--config",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="For the cycle tier: a config.json, or a GGUF file; no weights are read.",
    ),
    click.option("--layer", type=int, default=0, show_default=True, help="Which layer of it."),
    _blocks,
    _block,
    _dtype,
    _tier("analytic", "cycle"),
)


def _layer_options(command: Callable[..., object]) -> Callable[..., object]:
    """Add what asks for a layer of a model on the cycle tier."""
    for option in reversed(_ours):
        command = option(command)
    return command


def _wanted(name: str, text: str) -> Callable[..., Callable[..., object]]:
    """An option that is a whole number and belongs to one of two ways to ask."""
    return click.option(name, type=int, help=text)


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


@predict.command("decode-layer")
@_wanted("--dim", "Width of the residual stream.")
@_wanted("--ffn", "Width of the feed-forward activations.")
@_wanted("--seq", "Rows in the KV cache.")
@_wanted("--side", "Cores along one edge of the square, P.")
@click.option("--group", type=int, help=_GROUP)
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
        _both_tiers(engine.simulate_layer, machine, _config_of(config), question, clock, as_json)
        return
    sizes = _needed(dim=dim, ffn=ffn, seq=seq, side=side)
    _answer(
        lambda: engine.predict_decode_layer(machine, **sizes, groups=group, clock_ghz=clock),
        as_json,
    )


@predict.command("prefill-layer")
@_wanted("--dim", "Width of the residual stream.")
@_wanted("--ffn", "Width of the feed-forward activations.")
@_size("--tokens", "Tokens of the prompt; on the cycle tier rows of a step, 1 to 64.")
@_wanted("--side", "Cores along one edge of the square, P.")
@_size("--seq", "Rows in the KV cache before them, on the cycle tier.", default=0)
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
        _both_tiers(engine.simulate_layer, machine, _config_of(config), question, clock, as_json)
        return
    sizes = _needed(dim=dim, ffn=ffn, side=side)
    _answer(
        lambda: engine.predict_prefill_layer(machine, **sizes, tokens=tokens, clock_ghz=clock),
        as_json,
    )
