"""`spark-tui lsp`: suggestions for an editor that starts this as its language server."""

from __future__ import annotations

import click

import engine
from tui.cli.extras import need_extra
from tui.cli.options import (
    check_agreed,
    check_machine,
    machine_options,
    model_option,
    remote_option,
    resolve_model,
)
from tui.cli.source import private_patterns
from tui.settings import load_settings

__all__ = ["lsp"]


@click.command(short_help="Give suggestions to an editor as its language server.")
@click.option(
    "--max-tokens",
    metavar="N",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="Longest suggestion.",
)
@click.option(
    "--repository/--no-repository",
    default=None,
    help="Learn from the other files of the repository, or leave the model alone."
    "  Default: as the settings say.",
)
@model_option
@remote_option
@machine_options
def lsp(
    max_tokens: int,
    repository: bool | None,
    model: str | None,
    machine: str,
    clock: float | None,
) -> None:  # fmt: skip
    """Speak the Language Server Protocol on stdin and stdout until the editor ends.

    Answers textDocument/inlineCompletion (LSP 3.18) and textDocument/completion.  Shares the engine
    process with the app.  Needs the extra 'serve'.
    """
    need_extra("serve", "pygls")
    model = resolve_model(model, remote=True)
    check_agreed(model)
    check_machine(machine, clock)
    if repository is None:
        repository = load_settings().settings.suggestions.repository_knowledge
    options = engine.LanguageOptions(repository, private_patterns(), max_tokens)
    engine.serve_language(engine.Dispatcher(engine.EngineReplica(model, machine, clock)), options)
