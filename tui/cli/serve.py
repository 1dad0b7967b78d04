"""`spark-tui serve`: suggestions for other editors and programs over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

import engine
from engine.remote_host import is_remote
from tui.cli.extras import need_extra
from tui.cli.failures import WrongCallError
from tui.cli.options import (
    check_agreed,
    check_machine,
    machine_options,
    model_option,
    remote_option,
    resolve_model,
)
from tui.cli.output import say, tell
from tui.cli.progress import ProgressLine
from tui.cli.source import private_patterns

__all__ = ["serve"]

_MOST_TOKEN_BYTES = 4096


@click.command(short_help="Give suggestions to other editors over HTTP.")
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="Where to listen; all but this computer's own addresses take a token.",
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=8012,
    show_default=True,
    help="0 takes any that is free.",
)
@click.option(
    "--token-file",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="A file with a token that each request must bring.",
)
@click.option(
    "--allow-host",
    "hosts",
    metavar="NAME",
    multiple=True,
    help="Another name of this computer that requests may use.",
)
@click.option(
    "--allow-origin",
    "origins",
    metavar="ORIGIN",
    multiple=True,
    help="A web page that may ask, such as https://example.org.",
)
@click.option(
    "--timeout",
    "timeout_seconds",
    metavar="SECONDS",
    type=click.FloatRange(min=1.0, max=86_400.0),
    default=120.0,
    show_default=True,
    help="A request that is computed for so long ends with the text so far.",
)
@click.option(
    "--replicas",
    metavar="N",
    type=click.IntRange(1, 64),
    help="Engines that answer beside each other, each with its part of the cores; default: one, "
    "the app's, or on a cluster one for each computer.",
)
@click.option(
    "--ray",
    metavar="ADDRESS",
    help="Keep the engines on the Ray cluster at HOST:PORT, or 'auto' (extra 'ray').",
)
@model_option
@remote_option
@machine_options
def serve(
    host: str,
    port: int,
    token_file: Path | None,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
    timeout_seconds: float,
    replicas: int | None,
    ray: str | None,
    model: str | None,
    machine: str,
    clock: float | None,
) -> None:
    """Answer what other editors ask, until Ctrl+C.

    llama.vim and llama.vscode (/infill, /completion, /health, /props, /slots), programs that speak
    to OpenAI (/v1/completions, /v1/chat/completions, /v1/models) or to Ollama (/api/generate,
    /api/tags), and Prometheus (/metrics).  Shares the engine process with the app.  Needs the
    extra 'serve'.
    """
    need_extra("serve", "starlette", "uvicorn")
    if ray is not None:
        need_extra("ray", "ray")
    model = resolve_model(model, remote=True)
    if model is not None and is_remote(model) and (replicas or ray):
        raise WrongCallError("a model that another engine runs is asked there: it has no replicas")
    check_agreed(model)
    check_machine(machine, clock)
    options = engine.HttpOptions(
        host=host,
        port=port,
        token="" if token_file is None else _token(token_file),
        hosts=hosts,
        origins=origins,
        private_patterns=private_patterns(),
    )
    options.checked()
    dispatcher = engine.Dispatcher(
        *engine.choose_replicas(
            model,
            machine,
            clock,
            count=replicas,
            ray_address=ray,
            longest_seconds=timeout_seconds,
        )
    )
    with ProgressLine() as progress:
        dispatcher.on_state = _StateTeller(dispatcher, progress)
        engine.serve_http(dispatcher, options, lambda address: say(f"listening at {address}"))


class _StateTeller:
    """Tells how far the engines are, each thing once."""

    def __init__(self, dispatcher: engine.Dispatcher, progress: ProgressLine) -> None:
        self._dispatcher, self._progress = dispatcher, progress
        self._told = ""

    def __call__(self) -> None:
        if self._dispatcher.progress is not None:
            self._progress.show(self._dispatcher.progress)
            return
        self._progress.clear()
        words = self._words()
        if words and words != self._told:
            tell(words)
        self._told = words

    def _words(self) -> str:
        ready, reason = self._dispatcher.ready, self._dispatcher.reason
        count, of = self._dispatcher.ready_count, len(self._dispatcher.replicas)
        if ready is None:
            return reason and f"spark-tui: {reason}"
        if of == 1:
            return f"{ready.model.name} is ready"
        return f"{ready.model.name} is ready on {count} of {of}" + (reason and f" ({reason})")


def _token(file: Path) -> str:
    """Return the token in a file.

    Raises:
        WrongCallError: It cannot be read, or holds none.
    """
    try:
        with file.open("rb") as opened:
            token = opened.read(_MOST_TOKEN_BYTES).decode().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise WrongCallError(f"the token in '{file}' cannot be read: {error}") from error
    if not token:
        raise WrongCallError(f"'{file}' is empty; write the token into it")
    return token
