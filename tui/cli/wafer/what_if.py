"""`spark-tui wafer what-if`: a suggestion on a changed wafer, over one parameter."""

from pathlib import Path

import click
import msgspec

import engine
from engine.protocol.what_if import (
    WhatIfCurve,
    WhatIfPoint,
    WhatIfQuestion,
    WhatIfSetup,
    WhatIfStep,
    what_if_values,
)
from engine.protocol.xray import XrayStep
from engine.visible_text import visible
from engine.wafer_changes import WaferChanges
from tui.cli.failures import WrongCallError
from tui.cli.options import (
    BlockOption,
    check_machine,
    json_option,
    machine_options,
    model_option,
    resolve_model,
)
from tui.cli.output import say, say_json
from tui.cli.suite_bar import SuiteBar
from tui.format import bytes_text, count_text

__all__ = ["what_if"]

_CHUNK = 64
"""Rows of a step that reads a prompt."""
_KIB = 1024
_LARGEST_FILE = 1 << 26
_OVER = ("machine", "clock", "sram", "link", "rectangle", "blocks", "sums", "wafers")


@click.command("what-if", short_help="Price a suggestion on a changed wafer, over one parameter.")
@click.option(
    "--over",
    type=click.Choice(_OVER),
    default="sram",
    show_default=True,
    help="What takes every value; everything else stays as the other options say.",
)
@click.option(
    "--xray",
    metavar="FILE.json",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Price this suggestion: what `complete --xray --json` printed.",
)
@click.option(
    "--prompt", type=click.IntRange(1, 1 << 20), default=256, help="Rows of a prompt without one."
)
@click.option(
    "--tokens", type=click.IntRange(1, 4096), default=16, help="Tokens of a text without one."
)
@click.option(
    "--sram",
    "sram_kib",
    metavar="KIB",
    type=click.IntRange(0, 1 << 20),
    default=0,
    help="SRAM of a core.",
)
@click.option(
    "--link",
    "link_bits",
    metavar="BITS",
    type=click.IntRange(0, 1 << 16),
    default=0,
    help="Width of a link: what a core sends in the time of one wavelet of 32 bits.",
)
@click.option("--block", type=BlockOption(), help="Columns and rows of a block: 224x224.")
@click.option("--blocks", type=click.IntRange(0), default=0, help="Blocks of layers.")
@click.option(
    "--group", type=click.IntRange(0), default=0, help="Cores of a group in every sum across cores."
)
@click.option(
    "--wafers", type=click.IntRange(1, 64), default=1, help="More than one is priced only."
)
@model_option
@machine_options
@json_option
def what_if(
    over: str,
    xray: Path | None,
    prompt: int,
    tokens: int,
    sram_kib: int,
    link_bits: int,
    block: tuple[int, int] | None,
    blocks: int,
    group: int,
    wafers: int,
    model: str | None,
    machine: str,
    clock: float | None,
    as_json: bool,
) -> None:
    """Price one suggestion at every value of a parameter, by the app's planner and formulas.

    The what-if pane shows the same numbers.  Without --xray it is a prompt that is read whole, and
    tokens one at a time.  Opens no weights.
    """
    check_machine(machine, clock)
    columns, rows = block or (0, 0)
    changes = WaferChanges(
        sram_kib * _KIB, link_bits, wafers, columns, rows, blocks, group
    )  # fmt: skip
    own_clock = clock or float(str(engine.machine_facts(machine)["clock_ghz"]))
    steps = _read_steps(xray) if xray is not None else _plain_steps(prompt, tokens)
    setup = WhatIfSetup(machine, own_clock, changes)
    question = WhatIfQuestion(resolve_model(model), setup, over, steps)
    with SuiteBar("values") as bar:
        for curve in engine.price_what_if(question):
            bar.show(len(curve.points), curve.total)
    if as_json:
        say_json(what_if_values(curve))
    else:
        _print(curve)


class _Looked(msgspec.Struct):
    steps: list[XrayStep]


class _Completed(msgspec.Struct):
    xray: _Looked


def _read_steps(file: Path) -> list[WhatIfStep]:
    """Return the steps of a suggestion that was looked into.

    Raises:
        WrongCallError: The file is none of `complete --xray --json`.
    """
    try:
        if file.stat().st_size > _LARGEST_FILE:
            raise WrongCallError(f"{file}: larger than {_LARGEST_FILE >> 20} MiB; no X-ray is")
        steps = msgspec.json.decode(file.read_bytes(), type=_Completed).xray.steps
    except (OSError, msgspec.MsgspecError) as error:
        raise WrongCallError(
            f"{file}: {error}; write what `spark-tui complete --xray --json` prints into it"
        ) from error
    return [WhatIfStep(s.position, s.rows, s.logits, s.used, s.decode) for s in steps]


def _plain_steps(prompt: int, tokens: int) -> list[WhatIfStep]:
    """Return the steps of a prompt that is read whole, and of tokens one at a time."""
    starts = range(0, prompt, _CHUNK)
    read = [WhatIfStep(at, min(_CHUNK, prompt - at), 1, 1, False) for at in starts]
    return [*read, *(WhatIfStep(prompt + n, 1, 1, 1, True) for n in range(tokens))]


def _print(curve: WhatIfCurve) -> None:
    base, best = curve.points[curve.chosen], curve.best
    say(
        f"{curve.over}: {count_text(curve.prompt_rows)} rows of prompt and "
        f"{count_text(curve.tokens)} tokens, emulated, by formula"
    )
    for point in curve.points:
        mark = "▸" if point is base else "★" if point is best else " "
        say(f"{mark} {visible(point.label):>13}  {_figures(point, base)}")
    say("▸ as it is, ★ least time" if best is not base else "▸ as it is; nothing takes less time")


def _figures(point: WhatIfPoint, base: WhatIfPoint) -> str:
    if point.refusal:
        return f"no: {visible(point.refusal)}"
    change = f" ({point.microseconds / base.microseconds - 1:+.1%})" if base.cycles else ""
    priced = "" if point.runs else ", priced only"
    blocks = f"{point.blocks} block{'s' * (point.blocks != 1)}"
    return (
        f"{count_text(point.microseconds):>8} µs{change}: prompt {count_text(point.prompt_cycles)} "
        f"and tokens {count_text(point.decode_cycles)} cycles; "
        f"{blocks} of {point.block[0]} × {point.block[1]}, {bytes_text(point.sram_bytes)} in the "
        f"fullest core{priced}"
    )
