"""A few thousand spoilt models: loaded or refused by one line, in time and in memory."""

import json
import subprocess
import sys

import pytest

from engine.errors import ModelError
from tests import model_fuzz
from tests.tiny_gguf import write_tiny_gguf

COUNT = 3000
MOST_MIB = 100
"""Of the whole process; its imports take about 45."""


@pytest.mark.skipif(sys.platform != "linux", reason="limits and measures memory as Linux does")
def test_spoilt_models_load_or_are_refused_by_a_line():
    """In a process of its own, whose memory is limited."""
    command = [sys.executable, "-m", "tests.model_fuzz", "--count", str(COUNT), "--seed", "7"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout.splitlines()[-1])
    kinds = ("gguf loaded", "gguf refused", "folder loaded", "folder refused")
    assert sum(report[kind] for kind in kinds) == COUNT
    assert min(report[kind] for kind in kinds) > 20
    assert report["peak_mib"] < MOST_MIB


@pytest.mark.parametrize(
    ("error", "found"),
    [
        (ModelError("one line"), "refused"),
        (ModelError("two\nlines"), "more than a line: two\nlines"),
        (ValueError("no error of ours"), "ValueError: no error of ours"),
        (MemoryError(), "MemoryError: "),
        (model_fuzz.TooSlow(), "TooSlow: "),
    ],
)
def test_anything_else_is_noticed(tmp_path, monkeypatch, error, found):
    path = write_tiny_gguf(tmp_path / "whole.gguf")
    assert model_fuzz.load(path) == "loaded"

    def fail(path):
        raise error

    monkeypatch.setattr(model_fuzz, "load_model", fail)
    assert model_fuzz.load(path) == found
