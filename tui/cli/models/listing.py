"""`spark-tui models list`: the models on this computer, and those that can be fetched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

import engine
from engine import model_store
from engine.host_memory import memory_needed_bytes
from engine.visible_text import visible
from tui.cli.options import json_option
from tui.cli.output import say, say_json, tell
from tui.format import DASH, file_size_text, short_count_text
from tui.settings import load_settings

__all__ = ["list_command"]


@dataclass(frozen=True, slots=True)
class _Column:
    title: str
    right: bool = False


_WIDTH = 112
"""A narrower terminal breaks the lines; a name that is cut could not be given to `--model`."""

_COLUMNS = (
    _Column("model"),
    _Column("source"),
    _Column("family"),
    _Column("parameters", right=True),
    _Column("types"),
    _Column("size", right=True),
    _Column("context", right=True),
    _Column("fills"),
    _Column("memory", right=True),
    _Column("wafers", right=True),
)


@click.command("list", short_help="List the models on this computer.")
@click.option("--available", is_flag=True, help="Add those that `models pull` can fetch by name.")
@json_option
def list_command(available: bool, as_json: bool) -> None:
    """List the models on this computer: bundled, fetched, and what other programs keep.

    Found are models in the caches of Hugging Face, Ollama, LM Studio and llama.cpp, and in the
    folders that the settings name.
    """
    folders = [Path(folder) for folder in load_settings().settings.models.folders]
    found = engine.list_models(folders)
    offers = _offers(found) if available else []
    if as_json:
        listed = msgspec.to_builtins(found)
        listed["models"] = [*listed["models"], *offers]
        say_json(listed)
        return
    _print(found, offers)


def _offers(found: engine.ModelList) -> list[dict[str, Any]]:
    """Return the entries of the catalogue that are not fetched yet."""
    fetched = {model.name for model in found.models if model.source == "fetched"}
    return [_offer(model) for model in model_store.available() if model.name not in fetched]


def _offer(model: model_store.CatalogueModel) -> dict[str, Any]:
    return {
        "name": model.name,
        "source": "catalogue",
        "path": None,
        "family": model.family,
        "parameters": model.parameters,
        "size_bytes": model.file_bytes,
        "download_bytes": model.download_bytes,
        "memory_bytes": memory_needed_bytes(model.file_bytes),
        "licence": model.licence,
        "licence_text": model.licence_text,
        "gains": model.gains,
        "offered": model.offered,
        "sha256": model.sha256,
        "default": False,
    }


def _print(found: engine.ModelList, offers: list[dict[str, Any]]) -> None:
    console = Console()
    console.width = max(console.width, _WIDTH)
    table = Table(box=None, pad_edge=False)
    for column in _COLUMNS:
        table.add_column(column.title, justify="right" if column.right else "left", no_wrap=True)
    for model in found.models:
        table.add_row(*(Text(visible(cell)) for cell in _row(model)))
    console.print(table)
    for model in found.models:
        if model.problem is not None:
            tell(f"{model.name}: {model.problem}")
    say("")
    say(f"* {found.default_why}. The rule: {found.default_rule}.")
    free = file_size_text(found.memory_free_bytes)
    say(
        f"memory: {found.memory_rule}; {free} are free. "
        f"wafers of {found.machine}: {found.wafers_rule}."
    )
    if offers:
        say("\nTo fetch with `spark-tui models pull NAME`:")
    for offer in offers:
        size = file_size_text(offer["download_bytes"])
        say(f"  {offer['name']}  {size}, {offer['licence']} ({offer['licence_text']})")
        say(f"    {offer['gains']}")


def _row(model: Any) -> tuple[str, ...]:
    """Return a model's cells in the order of the columns."""
    fills = {True: "yes", False: "no", None: DASH}
    size, memory = file_size_text(model.size_bytes), file_size_text(model.memory_bytes)
    return (
        f"{model.name} *" if model.default else model.name,
        model.source,
        model.family or DASH,
        short_count_text(model.parameters),
        _types(model.types),
        size,
        str(model.context or DASH),
        fills[model.fill_in_the_middle],
        memory,
        str(model.wafers or DASH),
    )


def _types(types: dict[str, int]) -> str:
    """Return the types of the matrices, the most frequent first; vectors are F32 everywhere."""
    matrices = [name for name in types if name != "F32"] or list(types)
    more = f" +{len(matrices) - 2}" if len(matrices) > 2 else ""
    return " ".join(matrices[:2]) + more or DASH
