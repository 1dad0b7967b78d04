"""What a weights folder tells of its own training: the log of its runs, without every tenth step.

`export` puts it beside the weights and `train --init` hands it on to the run that begins with
them, so a card can account for every token, also on a machine that has nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.train.corpus import file_digest
from scripts.train.weights_file import weight_files

NAME = "history.jsonl"

CURVE_POINTS = 16
UNITS = ("step", "tokens", "seconds")

PYTHON = "python -m scripts.train"

RUN_OPTIONS = (
    "piece_minutes",
    "batch_tokens",
    "muon_lr",
    "adam_lr",
    "warmup",
    "decay",
    "rows_passed",
    "precision",
)
"""Options of ``train`` that decide what comes out, beside set, workers, seed and length."""

Record = dict[str, Any]


def read(path: Path) -> list[Record]:
    """Return the records of a log or a history, in order."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def lines(records: Iterable[Record]) -> bytes:
    """Return records as JSON, one a line."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def essential(records: Iterable[Record]) -> Iterator[Record]:
    """Yield starts, measurements and ends, without the answers that measurements show."""
    for record in records:
        if {"start", "init", "heldout", "end"} & record.keys():
            yield {key: value for key, value in record.items() if key != "samples"}


def begin(log: Path, folder: Path) -> None:
    """Begin the log of a run with the history of the weights it begins with.

    The last record names these weights by their checksums.
    """
    known = read(folder / NAME) if (folder / NAME).exists() else []
    digests = {path.name: file_digest(path) for path in weight_files(folder)}
    init = {"folder": folder.name, "files": digests}
    log.write_bytes(lines([*known, {"step": 0, "tokens": 0, "seconds": 0, "init": init}]))


# ── what the records say together ───────────────────────────────────────────────────────────


def summary(records: Iterable[Record]) -> Record:
    """Return what a log says of its runs: totals, phases, their end, and a thinned curve.

    A phase is all commands in a row on rows of one set.  Weights of earlier runs begin another:
    there steps, tokens and seconds count from 0 again, and in the totals and the curve they go on.

    Raises:
        ValueError: The last run has not ended.
    """
    phases: list[Record] = []
    curve: list[Record] = []
    end = parameters = None
    for record in records:
        if "init" in record:
            phases.append({"init": record["init"], "set": None, "first": record, "commands": []})
        if "start" in record:
            end, parameters = None, record["parameters"]
            _start(phases, record)
        phases[-1]["last"] = record
        before = _totals(phases[:-1])
        if "heldout" in record:
            curve.append({**record, **{unit: before[unit] + record[unit] for unit in UNITS}})
        if record.get("end"):
            end = record
    if end is None:
        raise ValueError("the log has no end record; finish the run with `train` first")
    for phase in phases:
        phase.update(_totals([phase]))
    return {
        "phases": phases,
        "parameters": parameters,
        "total": _totals(phases),
        "curve": thinned(curve, CURVE_POINTS),
    }


def _start(phases: list[Record], record: Record) -> None:
    """Note the start of a command, in a phase of its own if its rows are those of another set."""
    name = record["start"].get("set", "core")
    if phases and phases[-1]["set"] is None:
        phases[-1]["set"] = name
    if not phases or phases[-1]["set"] != name:
        phases.append({"init": None, "set": name, "first": record, "commands": []})
    phases[-1]["options"] = record["start"]
    command = train_command(record["start"], phases[-1]["init"])
    if command not in phases[-1]["commands"]:
        phases[-1]["commands"].append(command)


def _totals(phases: Iterable[Record]) -> Record:
    phases = list(phases)
    return {unit: sum(p["last"][unit] - p["first"][unit] for p in phases) for unit in UNITS}


def train_command(options: Mapping[str, Any], init: Mapping[str, Any] | None = None) -> str:
    """Return the command that the log says a run was started with."""
    length = "minutes" if "minutes" in options else "tokens"
    rest = (
        f" --{name.replace('_', '-')} {options[name]}" for name in RUN_OPTIONS if name in options
    )
    return (
        f"{PYTHON} train --set {options.get('set', 'core')} --workers {options.get('workers', 1)} "
        f"--seed {options['seed']} --{length} {options[length]:g}{''.join(rest)}"
        + (f" --init weights/{init['folder']}" if init else "")
    )


def thinned(points: Sequence[Any], most: int) -> list[Any]:
    """Return at most ``most`` points, evenly spread, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(i * (len(points) - 1) / (most - 1))] for i in range(most)]
