"""Stand-ins for the children of a benchmark: they speak the protocol and take no time."""

import stat
import sys
from pathlib import Path

STAND_IN = """
import json, sys

job = json.loads(sys.argv[1])
print(json.dumps(job["described"]), flush=True)
for number, line in enumerate(sys.stdin):
    question = json.loads(line)
    if question["ask"] == "encode":
        answer = {"tokens": list(range(len(question["text"]) // 4))}
    else:
        factor = job.get("factors", {}).get(question.get("flash"), 1)
        answer = {
            "prefill_seconds": factor * job["prefill_seconds"] * len(question["tokens"]),
            "token_seconds": [factor * job["token_seconds"]] * question["decode"],
        }
    print(json.dumps(answer), flush=True)
"""
"""Prefill and decode take the seconds a token that the job says, times the factor of the kind of
flash attention that is asked for."""


def stand_in(folder: Path) -> Path:
    """Write the stand-in and return it."""
    path = folder / "stand_in.py"
    path.write_text(STAND_IN)
    return path


def python(path: Path, dies: bool = False) -> Path:
    """Write a program that is this Python, or one that dies of an illegal instruction."""
    path.write_text(f'#!/bin/sh\n{"kill -ILL $$" if dies else f"exec {sys.executable}"} "$@"\n')
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path
