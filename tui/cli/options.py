"""Options that several commands share, their checks, and a number type that is always finite."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

import engine
from engine import paths
from engine.errors import MachineError, ModelError
from engine.remote_host import agree, agreed, is_remote, remote_address
from tui.cli.failures import WrongCallError
from tui.settings import load_settings

__all__ = [
    "PRICED_FORMATS",
    "BlockOption",
    "ClockOption",
    "FiniteFloat",
    "check_agreed",
    "check_machine",
    "clock_option",
    "json_option",
    "machine_option",
    "machine_options",
    "model_option",
    "remote_option",
    "resolve_model",
    "speculation_option",
]

PRICED_FORMATS = ("int8", "q4_0", "q4_1", "q5_0", "q5_1", "q4_k", "q5_k", "q6_k", "fp16")
"""Weight formats whose products have a price, the default first.  A copy of what the formats say
themselves, because asking them would load NumPy before a command is known; a test compares."""

_Command = TypeVar("_Command", bound=Callable[..., Any])


class FiniteFloat(click.ParamType[float]):
    """A finite number, from or above a minimum, and perhaps up to a maximum."""

    name = "number"

    def __init__(
        self, minimum: float, *, inclusive: bool, maximum: float = sys.float_info.max
    ) -> None:
        self._minimum = minimum
        self._maximum = maximum
        self._inclusive = inclusive

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return ``value`` as a float, or fail with the limit in the message."""
        try:
            number = float(value)
        except ValueError:
            self.fail(f"'{value}' is no number", param, ctx)
        above = number >= self._minimum if self._inclusive else number > self._minimum
        if not above or not number <= self._maximum:
            limits = f"{'at least' if self._inclusive else 'more than'} {self._minimum:g}"
            if self._maximum < sys.float_info.max:
                limits += f" and at most {self._maximum:.0f}"
            self.fail(f"{value} must be a finite number, {limits}", param, ctx)
        return number


model_option = click.option(
    "--model", metavar="M", help="A model's name, as `spark-tui models` lists it, or its path."
)


def _agree(ctx: click.Context, param: click.Parameter, value: bool) -> None:
    ctx.meta[_YES] = value


_YES = "spark-tui.agrees"
"""Where a call keeps whether `--yes` was given."""

remote_option = click.option(
    "--yes",
    is_flag=True,
    expose_value=False,
    callback=_agree,
    help="Let text go to the host of a remote model (--model openai:URL#NAME), from now on.",
)

speculation_option = click.option(
    "--speculation/--no-speculation",
    default=True,
    help="Verify guessed tokens together, or compute one by one: the same text, for measuring.",
)

json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")


class ClockOption(FiniteFloat):
    """A clock in GHz, as a number or by a name that the engine knows."""

    name = "clock"

    def __init__(self) -> None:
        super().__init__(0, inclusive=False, maximum=1e6)

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the clock in GHz, or fail with the names that are known."""
        if isinstance(value, str) and value[:1].isalpha() and value.lower() not in {"nan", "inf"}:
            try:
                return engine.named_clock_ghz(value)
            except MachineError as error:
                self.fail(str(error), param, ctx)
        return super().convert(value, param, ctx)


class BlockOption(click.ParamType[tuple[int, int]]):
    """Columns and rows of a block, written ``256x256``."""

    name = "WxH"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return (columns, rows)."""
        columns, cross, rows = str(value).lower().partition("x")
        if not (cross and columns.isdecimal() and rows.isdecimal() and len(str(value)) < 20):
            self.fail(f"'{value}' is no size; write columns x rows: 256x256", param, ctx)
        return int(columns), int(rows)


class _MachineOption(click.ParamType[str]):
    """A machine's name, or a file that describes one, as an absolute path."""

    name = "machine"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return what means the same in every process."""
        text = str(value)
        return str(Path(text).absolute()) if text.endswith(".toml") else text


machine_option = click.option(
    "--machine",
    metavar="NAME|FILE.toml",
    type=_MachineOption(),
    default="wse3",
    show_default=True,
    help="The emulated machine: one of `wafer machines`, or a file that describes another.",
)
clock_option = click.option(
    "--clock",
    metavar="GHZ|NAME",
    type=ClockOption(),
    help="The clock that turns wafer cycles into seconds; `wafer info` lists names; default: the "
    "machine's own.",
)


def machine_options(command: _Command) -> _Command:
    """Add ``--machine`` and ``--clock``, which go together."""
    return machine_option(clock_option(command))


def resolve_model(name: str | None, *, remote: bool = False) -> str | None:
    """Return what the engine is to open for ``--model``, before anything slow begins.

    A bundled model keeps its name; another becomes the path of its folder or file, so that it
    means the same in the engine's process.  None stays None: the engine takes its default.

    Args:
        name: What the person wrote; None means what the settings name, if they name one.
        remote: Whether a model that another engine runs will do (`remote_option`).

    Raises:
        WrongCallError: Nothing, or more than one model, is meant, or one elsewhere where only one
            on this computer will do, or whose host the person has not agreed to.
    """
    settings = load_settings().settings.models
    asked = name if name is not None else settings.default or None
    if is_remote(asked) and name is None and not remote:
        return None
    if is_remote(asked):
        return _remote_model(str(asked), possible=remote)
    if asked is None or paths.is_bundled(asked):
        return asked
    from engine import model_store  # knows how to fetch, too, which no start needs

    try:
        path = model_store.find_model(asked, map(Path, settings.folders))
    except ModelError as error:
        named = "" if name is not None else "; the settings name it (`default` under [models])"
        raise WrongCallError(f"{error}{named}") from error
    return path.name if model_store.bundled_models().get(path.name) == path else str(path)


def _remote_model(asked: str, *, possible: bool) -> str:
    """Return the address of a remote model that this call may use.

    Raises:
        WrongCallError: It may not.
    """
    try:
        address = remote_address(asked)
    except ModelError as error:
        raise WrongCallError(str(error)) from error
    if not possible:
        raise WrongCallError(
            f"{asked}: this command takes a model on this computer, which runs on the wafer"
        )
    context = click.get_current_context(silent=True)
    if context is not None and context.meta.get(_YES):
        agree(address)
    return asked


def check_agreed(model: str | None) -> None:
    """Refuse a remote model whose host the person has not agreed to.

    Raises:
        WrongCallError: That is so; says what agrees.
    """
    if model is None or not is_remote(model):
        return
    address = remote_address(model)
    if not agreed(address):
        how = "" if address.encrypted else ", and anyone on the way can read it"
        raise WrongCallError(
            f"text of your files would go to {address.origin}{how}; --yes agrees to that for "
            "good, SPARK_REMOTE_YES=1 for once"
        )


def check_machine(name: str, clock_ghz: float | None) -> None:
    """Refuse a machine that does not exist, before anything slow begins.

    Raises:
        MachineError: ``name`` is unknown.
    """
    engine.machine_facts(name, clock_ghz)
