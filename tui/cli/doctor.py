"""`spark-tui doctor`: reports the environment and what is broken in it."""

import asyncio
import os
import platform
import shutil
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

import engine
from engine import model_store, paths
from engine.errors import EngineError, ServerError
from engine.host_memory import available_bytes
from engine.own_files import unwritable
from engine.visible_text import visible
from tui.cli.options import json_option, resolve_model
from tui.cli.output import say, say_json
from tui.settings import load_settings
from tui.user_folders import complaints, settings_file

__all__ = ["Report", "doctor", "examine"]

MIN_COLUMNS, MIN_ROWS = 40, 12
"""The smallest terminal the app draws in."""


@dataclass(slots=True)
class Report:
    """The facts found, and a line for everything that is broken or worth knowing."""

    facts: dict[str, Any] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    """What keeps the program from working."""
    advice: list[str] = field(default_factory=list)
    """What makes it work less well."""


@click.command(short_help="Report the environment; exit 1 if something is broken.")
@click.option("--model", metavar="M", help="Read all of this model, too: a name, folder or file.")
@json_option
def doctor(model: str | None, as_json: bool) -> int:
    """Report version, Python, engine, folders, models and terminal; exit 1 if one is broken."""
    report = examine(None if model is None else resolve_model(model))
    if as_json:
        whole = report.facts | {"problems": report.problems, "advice": report.advice}
        say_json(whole)
    else:
        _print(report)
    return 1 if report.problems else 0


def examine(model: str | None = None) -> Report:
    """Return the report on this computer, this user and this terminal; makes folders at most.

    Args:
        model: A model to read whole, besides those that are looked at anyway.
    """
    report = Report()
    report.facts["version"] = engine.__version__
    report.facts["python"] = platform.python_version()
    report.facts["python_executable"] = sys.executable
    report.facts["platform"] = platform.platform()
    _add_engine(report, model)
    _add_running_engine(report)
    _add_default_model(report)
    _add_folders(report)
    _add_settings(report)
    _add_terminal(report)
    return report


def _add_engine(report: Report, model: str | None) -> None:
    """Add what the engine computes with: processor path, threads, kernel cache, models."""
    found = engine.examine_engine(model)
    report.facts["processor_path"] = found.processor_path
    if found.path_problem is not None:
        report.problems.append(found.path_problem)
    report.facts["threads"] = found.threads
    report.facts["kernel_cache"] = {
        "path": str(found.kernel_cache),
        "writable": found.kernel_cache_problem is None,
        "cached_kernels": found.cached_kernels,
        "damaged_kernels": found.damaged_kernels,
        "stale_folders": [str(folder) for folder in found.stale_caches],
    }
    if found.damaged_kernels:
        report.advice.append(
            f"damaged files in the kernel cache: {found.damaged_kernels}; the next start"
            " compiles them again"
        )
    if found.stale_caches:
        report.advice.append(
            f"{len(found.stale_caches)} kernel caches of other versions may be deleted:"
            f" {found.stale_caches[0].parent}"
        )
    report.facts["models"] = [
        {
            "name": model.name,
            "folder": str(model.folder),
            "checksums": model.checksums,
            "default": model.default,
        }
        for model in found.models
    ]
    report.problems += [model.problem for model in found.models if model.problem is not None]
    if not found.models:
        report.problems.append("no model is bundled; reinstall spark-tui")


def _add_running_engine(report: Report) -> None:
    """Add which engine process runs, if one does, and whether it answers."""
    try:
        look = asyncio.run(engine.look_at_engine())
    except ServerError:
        return  # there is no folder for its socket, which is said
    pid = None if look is None else look.pid
    answers = None if look is None else look.problem is None
    report.facts["engine"] = {"running": look is not None, "process": pid, "answers": answers}
    if look is not None and look.problem is not None:
        report.problems.append(look.problem)


def _add_default_model(report: Report) -> None:
    """Add which model is used when none is named, by which rule, and how fast it wrote here."""
    try:
        choice = model_store.default_model()
    except EngineError:
        return  # that none is bundled is said already
    report.facts["default_model"] = {
        "name": choice.name,
        "why": choice.why,
        "rule": model_store.DEFAULT_RULE,
        "tokens_per_second_here": model_store.speed_of(choice.name),
        "memory_available_bytes": available_bytes(),
    }


def _add_folders(report: Report) -> None:
    """Add where the program writes, and whether it can."""
    report.advice += complaints()
    log = paths.log_file()
    runtime = paths.runtime_dir()
    report.facts["log_file"] = str(log)
    report.facts["log_writable"] = _writable(log)
    report.facts["state_dir"] = str(paths.state_dir())
    report.facts["runtime_dir"] = str(runtime)
    try:
        report.facts["socket_dir"] = str(paths.socket_dir(longest_name=40))
    except ServerError as error:
        report.facts["socket_dir"] = None
        report.problems.append(str(error))


def _add_settings(report: Report) -> None:
    """Add the settings file and its mistakes."""
    file = settings_file()
    report.facts["settings_file"] = str(file)
    report.facts["settings_exists"] = os.path.exists(file)
    report.problems += [f"{file}: {problem}" for problem in load_settings().problems]


def _add_terminal(report: Report) -> None:
    """Add what the terminal can show; without one (a pipe) only what the environment says."""
    columns, rows = shutil.get_terminal_size()
    term = os.environ.get("TERM", "")
    colours = os.environ.get("COLORTERM", "")
    encoding = sys.stdout.encoding or ""
    interactive = sys.stdout.isatty()
    report.facts["terminal"] = {
        "interactive": interactive,
        "term": term,
        "colorterm": colours,
        "true_color": colours in ("truecolor", "24bit"),
        "columns": columns,
        "rows": rows,
        "encoding": encoding,
        "utf8": encoding.lower().replace("-", "") == "utf8",
    }
    if not interactive:
        return
    if term in ("", "dumb"):
        report.problems.append(f"TERM is {term!r}: the app needs a terminal that moves its cursor")
    if not report.facts["terminal"]["utf8"]:
        report.advice.append(f"the encoding is {encoding}: set LANG to a UTF-8 locale")
    if columns < MIN_COLUMNS or rows < MIN_ROWS:
        report.advice.append(
            f"the terminal has {columns}×{rows} cells; the app needs {MIN_COLUMNS}×{MIN_ROWS}"
        )


def _writable(file: Path) -> bool:
    """Return whether a file can be written, or made where it does not exist yet."""
    return unwritable(file.parent) is None and (
        not os.path.exists(file) or os.access(file, os.W_OK)
    )


def _print(report: Report) -> None:
    """Print one line a fact, then one line for everything that needs attention."""
    lines = dict(_flat(report.facts))
    width = max(map(len, lines))
    for name, value in lines.items():
        say(visible(f"{name:<{width}}  {value}"))
    for problem in report.problems:
        say(visible(f"broken: {problem}"))
    for line in report.advice:
        say(visible(f"note: {line}"))
    if not report.problems:
        say("everything needed works")


def _flat(facts: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the facts as lines; nested ones under joined names."""
    lines: list[tuple[str, str]] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            lines += [(f"{name} {key}", text) for key, text in _flat(value)]
        elif name == "models":
            lines += [
                (f"model {model['name']}", f"{model['folder']} (checksums: {model['checksums']})")
                for model in value
            ]
        elif value is None:
            lines.append((name, "unknown"))
        elif isinstance(value, bool):
            lines.append((name, "yes" if value else "no"))
        else:
            lines.append((name, ", ".join(value) if isinstance(value, list) else str(value)))
    return lines
