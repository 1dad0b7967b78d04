"""What a weights folder tells of its own training: the log of its runs, without every tenth step.

`export` puts it beside the weights and `train --init` hands it on to the run that begins with
them, so a card can account for every token, also on a machine that has nothing else.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from scripts.train import settings
from scripts.train.corpus import file_digest
from scripts.train.weights_file import weight_files, write_whole

log = logging.getLogger(__name__)

NAME = "history.jsonl"

CURVE_POINTS = 16
UNITS = ("step", "tokens", "seconds")

PYTHON = "python -m scripts.train"

RUN_OPTIONS = (
    "piece_minutes",
    "batch_tokens",
    "part_tokens",
    "muon_lr",
    "adam_lr",
    "warmup",
    "decay",
    "middle_weight",
    "rows_passed",
    "precision",
    "config",
)
"""Options of ``train`` that decide what comes out, beside set, workers, seed and length."""

Record = dict[str, Any]


def read(path: Path) -> list[Record]:
    """Return the records of a log or a history, in order."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def lines(records: Iterable[Record]) -> bytes:
    """Return records as JSON, one a line."""
    return "".join(json.dumps(record) + "\n" for record in records).encode()


def begin(path: Path, folder: Path | None) -> None:
    """Begin the log of a run that has no checkpoint.  An older log there is renamed.

    Args:
        path: The log.
        folder: The weights that the run begins with.  Their history comes first, then a record
            that names them by their checksums; None: the log is empty.

    Raises:
        ValueError: The weights were made with another tokenizer than the one beside the log.
    """
    if path.exists():
        number = sum(1 for _ in path.parent.glob(f"{path.stem}.*{path.suffix}")) + 1
        older = path.with_name(f"{path.stem}.{number}{path.suffix}")
        path.rename(older)
        log.info("the log of an earlier run is %s now", older)
    if folder is None:
        return
    tokenizer, theirs = path.parent / "tokenizer.json", folder / "tokenizer.json"
    if tokenizer.exists() and theirs.exists() and file_digest(tokenizer) != file_digest(theirs):
        raise ValueError(
            f"{tokenizer} is not the tokenizer of {folder}: rows packed with one mean nothing to "
            f"weights trained with the other; copy {theirs} there and pack again"
        )
    known = read(folder / NAME) if (folder / NAME).exists() else []
    init = {"folder": str(folder), "files": {p.name: file_digest(p) for p in weight_files(folder)}}
    start = {"step": 0, "tokens": 0, "seconds": 0, "init": init}
    write_whole(path, lines([*known, start]))


def of_checkpoint(records: Sequence[Record], at: Mapping[str, Any]) -> list[Record]:
    """Return the history of the weights in a checkpoint.

    Args:
        records: The log of the run.
        at: Step, tokens and seconds of the checkpoint; what the log says of later steps is left
            out.
    """
    first = max((i for i, record in enumerate(records) if "init" in record), default=0)
    own = [record for record in records[first:] if record["step"] <= at["step"]]
    exported = {**{unit: at[unit] for unit in UNITS}, "export": True}
    return [*_essential([*records[:first], *own]), exported]


def _essential(records: Iterable[Record]) -> Iterator[Record]:
    """Yield starts, measurements and ends, without the answers that measurements show."""
    for record in records:
        if {"start", "init", "heldout", "pause", "end", "export"} & record.keys():
            yield {key: value for key, value in record.items() if key != "samples"}


# ── what the records say together ───────────────────────────────────────────────────────────


def summary(records: Iterable[Record]) -> Record:
    """Return what a log says of its runs: totals, phases, their end, and a thinned curve.

    A phase is all commands in a row on rows of one set.  Weights of earlier runs begin another:
    there steps, tokens and seconds count from 0 again, and in the totals and the curve they go on.

    Raises:
        ValueError: The last run has not ended, or nothing is known of the weights it began with.
    """
    phases: list[Record] = []
    curve: list[Record] = []
    end = parameters = None
    for record in records:
        if "init" in record:
            if not phases:
                raise ValueError(
                    f"the first run began with {record['init']['folder']}, which tells nothing of "
                    f"its own training: it had no {NAME}"
                )
            phases.append({"init": record["init"], "set": None, "first": record, "starts": []})
        if "start" in record:
            end, parameters = None, record["parameters"]
            _start(phases, record)
        phases[-1]["last"] = record
        before = _totals(phases[:-1])
        if "heldout" in record:
            curve.append({**record, **{unit: before[unit] + record[unit] for unit in UNITS}})
        if record.get("end"):
            end = record
        if record.get("export"):
            phases[-1]["blend"] = record.get("blend")
    if end is None:
        raise ValueError("the log has no end record; finish the run with `train` first")
    for phase in phases:
        phase.update(_totals([phase]))
        phase["options"] = phase["starts"][-1]
        phase["commands"] = commands(phase["starts"], phase["init"])
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
        phases.append({"init": None, "set": name, "first": record, "starts": []})
    phases[-1]["starts"].append(record["start"])
    phases[-1]["pack"] = record.get("pack")


def _totals(phases: Iterable[Record]) -> Record:
    phases = list(phases)
    return {unit: sum(p["last"][unit] - p["first"][unit] for p in phases) for unit in UNITS}


def commands(starts: Sequence[Record], init: Mapping[str, Any] | None) -> list[str]:
    """Return the commands that make a phase again, out of the options it was started with.

    Pieces of one run add up to the run, so they are one command; what was stopped and gone on
    with otherwise stays apart.
    """
    found: list[str] = []
    for options, following in zip(starts, [*starts[1:], None], strict=True):
        whole = {name: value for name, value in options.items() if name != "piece_minutes"}
        if following is not None and whole == {
            name: value for name, value in following.items() if name != "piece_minutes"
        }:
            continue
        found.append(_command(whole if following is None else options, init))
    return found


def _command(options: Mapping[str, Any], init: Mapping[str, Any] | None) -> str:
    length = "minutes" if "minutes" in options else "tokens"
    words = [PYTHON, "train", "--set", options.get("set", "core")]
    words += ["--workers", options.get("workers", 1), "--seed", options["seed"]]
    words += [f"--{length}", f"{options[length]:.12g}"]
    for name in RUN_OPTIONS:
        if name in options:
            words += ["--" + name.replace("_", "-"), options[name]]
    words += ["--compile"] if options.get("compile") else []
    if options.get("work", str(settings.WORK_DIR)) != str(settings.WORK_DIR):
        words += ["--work", options["work"]]
    if init is not None:
        words += ["--init", init["folder"]]
    return " ".join(map(str, words))


def thinned(points: Sequence[Any], most: int) -> list[Any]:
    """Return at most ``most`` points, evenly spread, the first and the last among them."""
    if len(points) <= most:
        return list(points)
    return [points[round(i * (len(points) - 1) / (most - 1))] for i in range(most)]
