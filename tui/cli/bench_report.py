"""Prints what `spark-tui bench quality` measured, as tables for people."""

from __future__ import annotations

import math
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from engine.visible_text import visible
from tui.cli.output import say

__all__ = ["print_tables", "print_task_tables"]


def print_tables(report: dict[str, Any]) -> None:
    """Print what a person wants to see first; ``--json`` has everything."""
    console = Console()
    skipped = sum(report["skipped"].values())
    say(
        f"{report['model']} on {report['files']} files of {report['repositories']}"
        f" repositories ({skipped} skipped), seed {report['seed']},"
        f" {'with' if report['repository'] else 'without'} repository"
    )
    console.print(_answers_table(report["suites"]))
    if "replay" in report["suites"]:
        console.print(_typing_table(report["suites"]["replay"]))


def _answers_table(suites: dict[str, Any]) -> Table:
    """Return the table of all suites: who answered how well."""
    table = Table("suite", "n", "answers by", title="Answers")
    for heading in ("exact match", "similar", "bits/byte"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, suite in suites.items():
        rows = {"model": suite, **suite["baselines"]}
        if "without_repository" in suite:
            rows["model alone"] = suite["without_repository"]
        for number, (who, figures) in enumerate(rows.items()):
            head = (name, str(suite["n"])) if number == 0 else ("", "")
            table.add_row(
                *head,
                who.replace("_", " "),
                _with_interval(figures, "exact_match"),
                _percent(figures["edit_similarity"]),
                _number(figures.get("bits_per_byte")),
            )
        table.add_section()
    return table


def _typing_table(suite: dict[str, Any]) -> Table:
    """Return the table of the replay: what typing took."""
    table = Table("suggestions by", title="Typing key by key, on a virtual clock")
    for heading in ("keys saved", "keys", "shown", "accepted", "wrong/100"):
        table.add_column(heading, justify="right", no_wrap=True)
    for who, figures in {"model": suite, **suite["baselines"]}.items():
        table.add_row(
            who.replace("_", " "),
            _with_interval(figures, "keystrokes_saved"),
            str(figures["keys"]),
            str(figures["shown"]),
            str(figures["accepted"]),
            _number(figures["wrong_shown_per_100_keys"]),
        )
    return table


def _with_interval(figures: dict[str, Any], name: str) -> str:
    """Return a share and its 95 % interval in percent."""
    bounds = figures[f"{name}_ci"]
    if bounds is None:
        return "–"
    low, high = (100 * bound for bound in bounds)
    return f"{_percent(figures[name])} ({low:.1f}–{high:.1f})"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None) -> str:
    return "–" if value is None or not math.isfinite(value) else f"{value:.2f}"


def print_task_tables(report: dict[str, Any]) -> None:
    """Print each suite of tasks; ``--json`` has everything."""
    console = Console()
    say(f"{report['model']}, tasks from {report['tasks']}")
    if "infill" in report["suites"]:
        console.print(_infill_table(report["suites"]["infill"]))
    if "edits" in report["suites"]:
        console.print(_edits_table(report["suites"]["edits"]))
    if "situations" in report["suites"]:
        console.print(_situations_table(report["suites"]["situations"]))


def _infill_table(suite: dict[str, Any]) -> Table:
    """Return the figures of infilling, and how programs that failed ended."""
    table = Table("n", "passed", "exact match", title="Holes in programs, judged by their tests")
    table.add_row(
        str(suite["n"]), _with_interval(suite, "pass_at_1"), _with_interval(suite, "exact_match")
    )
    return table


def _edits_table(suite: dict[str, Any]) -> Table:
    """Return every edit, how its test ended, and the lines that were written."""
    title = f"{suite['passed']} of {suite['n']} passed; {suite['refused']} refused"
    table = Table("edit", "ended", "lines", title=title)
    for item in suite["items"]:
        ended = item["ended"] if item["refused"] is None else f"refused: {item['refused']}"
        table.add_row(item["name"], Text(ended), Text(item["text"]))
    return table


def _situations_table(suite: dict[str, Any]) -> Table:
    """Return every situation with the text that was suggested."""
    title = (
        f"{suite['right']} of {suite['n']} right;"
        f" {suite['right_of_shown']} of {suite['shown']} that would be shown unasked"
    )
    table = Table("situation", "right", "shown", "suggestion", title=title)
    for item in suite["items"]:
        said = ["yes" if item[name] else "no" for name in ("right", "shown")]
        table.add_row(Text(visible(item["name"])), *said, Text(repr(item["text"])[1:-1]))
    return table
