"""`scripts/soak.py`: what it types is known, and what grows or is lost is told."""

import os
import re
import sys
import time
from random import Random

import pytest

from scripts.bench.editing import BACKSPACE, KnownText, lost_keys, stirring_key
from scripts.soak import EARLY_KILLS, Sample, Soak, Window, growth, problems


def test_the_known_text_is_what_an_editor_makes_of_its_keys() -> None:
    known, rng, typed = KnownText("begin\n"), Random(4), "begin\n"
    for _ in range(2000):
        key = known.key(rng)
        if key == BACKSPACE:
            typed = typed[:-1]
        elif key == b"\r":
            typed += "\n"
        elif key.decode().isprintable():
            typed += key.decode()
    assert known.text == typed
    assert len(known.text.splitlines()) > 20
    assert not [line for line in known.text.splitlines() if line.startswith(" ")]  # no indentation


def test_stirring_keys_never_end_the_program() -> None:
    rng = Random(1)
    keys = {stirring_key(rng) for _ in range(5000)}
    assert len(keys) > 50
    assert not keys & {b"\x11", b"\x03", b"\x1c", b"\x04"}


@pytest.mark.parametrize(
    ("wanted", "found", "lost"),
    [
        ("abcd", "abcd", 0),
        ("abcd", "acd", 1),
        ("abcd", "", 4),
        ("abc", "xaxbxcx", 0),
        ("ab", "ba", 1),
    ],
)
def test_lost_keys_are_those_that_are_not_in_the_file(wanted: str, found: str, lost: int) -> None:
    assert lost_keys(wanted, found) == lost


def samples(app_mb: list[float], engine_mb: list[float | None], files: list[int]) -> list[Sample]:
    rows = zip(app_mb, engine_mb, files, strict=True)
    return [
        Sample(float(second), app, count, 5, engine, None if engine is None else 9, None)
        for second, (app, engine, count) in enumerate(rows, 1)
    ]


def test_growth_is_measured_from_the_second_fifth_to_the_last() -> None:
    app = [1.0, 50.0, 60.0, 60.0, 60.0, 60.0, 60.0, 66.0, 67.0, 69.0]
    taken = samples(app, [None] * 3 + [100.0] + [None] * 5 + [100.0], [9] * 9 + [10])
    assert growth(taken, "app_mb") == pytest.approx(67.0 / 55.0 - 1)
    assert growth(taken, "app_files") == 0.0  # one more is no leak
    assert growth(taken, "engine_mb") is None  # not measured in the second fifth
    assert growth(taken, "app_threads") == 0.0


def test_files_that_are_open_for_a_moment_are_no_growth_and_those_that_stay_are() -> None:
    for late, grown in (([20, 9, 20], 0.0), ([18, 20, 19], 1.0)):
        taken = samples([1.0] * 10, [None] * 10, [9] * 7 + late)
        assert growth(taken, "app_files") == grown


def test_what_must_not_be_is_told() -> None:
    found = {
        "seconds": 3600.0,
        "lost": 2,
        "keys": 80,
        "stuck": "it ended",
        "growth": {"app_mb": 0.31, "engine_mb": 0.1, "app_files": None},
    }
    assert problems(found) == [
        "2 of 80 keys were lost",
        "it ended",
        "app_mb grew by 31.0% after the first fifth of the time",
    ]
    sound = found | {"lost": 0, "stuck": "", "growth": {"engine_mb": 0.1}}
    assert problems(sound) == []
    unmeasured = sound | {"growth": {"engine_mb": None}}
    assert problems(unmeasured | {"seconds": 60.0}) == []
    assert ["no engine process was there" in line for line in problems(unmeasured)] == [True]


def test_an_engine_that_is_killed_early_too_often_is_left_to_serve(monkeypatch, tmp_path) -> None:
    """The client would give up, and the rest of the time would be without an engine."""
    killed: list[int] = []
    monkeypatch.setattr("scripts.soak.os.kill", lambda process, signal: killed.append(process))
    run = Soak(None, tmp_path, tmp_path, Random(1))  # type: ignore[arg-type]  # presses nothing
    monkeypatch.setattr(run, "_engine_process", lambda *, ready=False: None if ready else 7)
    for _ in range(9):
        run._kill(7)
    assert len(killed) == EARLY_KILLS
    monkeypatch.setattr(run, "_engine_process", lambda *, ready=False: 8)
    run._ready_since = time.monotonic() - 60.0
    run._kill(8)
    run._kill(8)  # as soon as it is back
    assert killed == [7, 7, 7, 8, 8]


BUSY = """
import os, time, tty
tty.setraw(0)
print("raw", flush=True)
time.sleep(0.6)
assert os.read(0, 99) == b"\\x1b", "the key after it came along"
print("escape", flush=True)
time.sleep(9)
"""


def test_after_an_esc_nothing_is_pressed_before_the_program_has_read_it(tmp_path) -> None:
    """Together they would be Alt and the key, which opens another file, say."""
    window = Window([sys.executable, "-c", BUSY], dict(os.environ), tmp_path)
    try:
        window.wait_for(re.compile("raw"), "that it is ready")
        window.escape()
        window.press(b"j", 0.0)
        assert window.until(lambda: window.shows("escape"))
    finally:
        window.close()
