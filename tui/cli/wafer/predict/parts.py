"""`spark-tui wafer predict collective|multicast|vector|gemv`: parts of a layer."""

import click

import engine
from tui.cli.options import json_option, machine_options
from tui.cli.wafer.predict.asking import GROUP_HELP, print_answer, size_option, tier_option

__all__ = ["collective", "gemv", "multicast", "vector"]


@click.command()
@click.option("--op", type=click.Choice(("broadcast", "reduce", "allreduce")), required=True)
@click.option(
    "--algorithm",
    type=click.Choice(("star", "chain", "tree", "two-phase", "ring", "two-tree", "multicast")),
    required=True,
)
@size_option("--cores", "Columns, P.")
@size_option("--rows", "Rows, R; X first, then Y.", default=1)
@click.option("--group", type=int, help=GROUP_HELP)
@size_option("--wavelets", "Length of every core's vector in 32-bit wavelets, B.")
@click.option("--dtype", type=click.Choice(("fp32", "fp16")), default="fp32", show_default=True)
@tier_option("analytic", "cycle", "formula")
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
    print_answer(
        lambda: engine.predict_collective(machine, question, tier=tier, clock_ghz=clock), as_json
    )


@click.command()
@size_option("--cores", "Cores of the row, N.")
@size_option("--bytes", "Payload in bytes, B.")
@tier_option("analytic", "cycle", "formula")
@machine_options
@json_option
def multicast(
    cores: int, bytes: int, tier: str, machine: str, clock: float | None, as_json: bool
) -> None:
    """A multicast along a row, dispatch included."""
    print_answer(
        lambda: engine.predict_multicast(
            machine, cores=cores, payload_bytes=bytes, tier=tier, clock_ghz=clock
        ),
        as_json,
    )


@click.command()
@size_option("--elements", "Length of both vectors.")
@click.option(
    "--kind",
    type=click.Choice(("fmacs", "fadds", "fmachs", "fmach", "mac_int8")),
    default="fmacs",
    show_default=True,
    help="The instruction, as CSL names it.",
)
@size_option(
    "--apart", "Bytes from one vector to the other: multiples of 8 share banks.", default=4
)
@machine_options
@json_option
def vector(
    elements: int, kind: str, apart: int, machine: str, clock: float | None, as_json: bool
) -> None:
    """One vector instruction of one core: its width, what the memory gives, bank conflicts."""
    print_answer(
        lambda: engine.predict_vector(
            machine, elements=elements, kind=kind, apart=apart, clock_ghz=clock
        ),
        as_json,
    )


@click.command()
@size_option("--k", "Inputs, K.")
@size_option("--n", "Outputs, N.")
@size_option("--side", "Cores along one edge of the square, P.")
@click.option("--group", type=int, help=GROUP_HELP)
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
    print_answer(
        lambda: engine.predict_gemv(machine, k=k, n=n, side=side, groups=group, clock_ghz=clock),
        as_json,
    )
