"""`spark-tui serve`: suggestions for other editors and programs over HTTP."""

from __future__ import annotations

from pathlib import Path

import click

import engine
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
@model_option
@remote_option
@machine_options
def serve(
    host: str,
    port: int,
    token_file: Path | None,
    hosts: tuple[str, ...],
    origins: tuple[str, ...],
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
    model = resolve_model(model, remote=True)
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
    with ProgressLine() as progress:
        dispatcher = engine.Dispatcher(model, machine, clock)

        def on_state() -> None:
            if dispatcher.progress is not None:
                progress.show(dispatcher.progress)
            elif dispatcher.ready is not None:
                progress.clear()
                tell(f"{dispatcher.ready.model.name} is ready")
            else:
                progress.clear()
                tell(f"spark-tui: {dispatcher.reason}")

        dispatcher.on_state = on_state
        engine.serve_http(dispatcher, options, lambda address: say(f"listening at {address}"))


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
