"""A kill of the app while somebody types: only the last second of the typing may be lost."""

import os
import re
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from scripts.bench_editor import Keys, letters
from scripts.bench_startup import READY, end_engine, folders
from tui.files.recovery import RecoveryStore

LOST_SECONDS = 1.0
LEAST_LETTERS = 20
"""Typed more than a second before the kill; fewer would prove little."""


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, for sockets."""
    with tempfile.TemporaryDirectory(prefix="spark-") as name:
        yield Path(name)


def typed_until(window: Keys, end: float, rng: Random) -> list[tuple[float, str]]:
    """Type without a pause until ``end``; return each letter and when it was on the screen."""
    echoed: list[tuple[float, str]] = []
    for letter in letters(rng):
        window.key_ms(letter)
        echoed.append((time.perf_counter(), letter))
        if echoed[-1][0] > end and len(echoed) > LEAST_LETTERS:
            break
    return echoed


@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_on_the_screen_a_second_before_the_kill_comes_back(
    folder: Path, seed: int
) -> None:
    rng = Random(seed)
    file = folder / "typed.txt"
    file.write_text("typed_here_")
    environment = folders(folder, "killed")
    window = Keys(
        [sys.executable, "-P", "-m", "tui", f"{file}:1", "--model", "spark-nano"],
        environment,
        folder,
    )
    try:
        window.wait_for(re.compile("typed_here_"), "the file")
        window.wait_for(READY, "the engine")
        window.write(b"\x1b[F")  # End
        began = time.perf_counter()
        echoed = typed_until(window, began + rng.uniform(2.0, 4.0), rng)
        os.kill(window._pid, signal.SIGKILL)
        killed = time.perf_counter()
    finally:
        window.close()
        end_engine(Path(environment["SPARK_RUNTIME_DIR"]))

    store = RecoveryStore(Path(environment["SPARK_STATE_DIR"]) / "recovery")
    found = store.find(file)
    assert found is not None
    safe = [letter for when, letter in echoed if when < killed - LOST_SECONDS]
    assert len(safe) >= LEAST_LETTERS
    assert found.text.startswith("typed_here_" + "".join(safe))
