"""Files that a command is told to read, and that somebody else wrote: one short line, and no wait.

A named pipe, an endless device, brackets nested deep, numbers without an end, no text, values as
long as the file: of each kind of file, and of those that machines and models are described in.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.sweep.grid import read_grid
from engine.toml_files import parse_toml

Spark = Callable[..., Any]
Make = Callable[[Path], object]

DEEP = "[" * 100_000 + "]" * 100_000


def zero(path: Path) -> None:
    path.symlink_to("/dev/zero")


def endless(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


FILES: dict[str, Make] = {
    "a named pipe": os.mkfifo,
    "an endless device": zero,
    "a sparse file of a terabyte": endless,
    "a folder": Path.mkdir,
    "brackets nested deep": lambda path: path.write_text(f"clock_ghz = {DEEP}"),
    "JSON nested deep": lambda path: path.write_text(DEEP),
    "a number of 5,000 digits": lambda path: path.write_text("clock_ghz = " + "9" * 5000),
    "no text": lambda path: path.write_bytes(b"inherits = '\xff\xfe'"),
    "a value of half a megabyte": lambda path: path.write_text(f"inherits = '{'x' * 500_000}'"),
    "a key of half a megabyte": lambda path: path.write_text(
        f"inherits = 'wse3'\n{'x' * 500_000} = 1"
    ),
    "a title for the terminal": lambda path: path.write_text('inherits = "\\u001b]0;b\\u0007"'),
    "no number": lambda path: path.write_text("inherits = 'wse3'\nclock_ghz = nan"),
    "numbers without an end": lambda path: path.write_text("inherits = 'wse3'\nclock_ghz = inf"),
    "no cores": lambda path: path.write_text("inherits = 'wse3'\ncores = -1\ncolumns = 0"),
    "more than there is": lambda path: path.write_text(
        "inherits = 'wse3'\ncolumns = 9223372036854775807"
    ),
    "a cycle of 5,000 digits": lambda path: path.write_text(
        f"@1 dimX=4, dimY=4\n@{'9' * 5000} P1.1 (x) landing C1 from link E,\n"
    ),
    "a cycle beyond 64 bits": lambda path: path.write_text(
        f"@1 dimX=4, dimY=4\n@{'9' * 30} P1.1 (x) landing C1 from link E,\n"
    ),
    "a speed that is no number": lambda path: path.write_text(
        "@1 dimX=4, dimY=4\n@9 Simulation used 1.1.1 seconds and ran at .. cyc/sec ...\n"
    ),
    "an empty file": Path.touch,
}

COMMANDS = {
    "a machine": ("wafer", "info", "--machine", "{0}.toml"),
    "a grid": ("wafer", "sweep", "{0}.toml", "--out", "{0}.out.jsonl"),
    "a program": ("wafer", "run", "{0}.toml"),
    "a simulator's log": ("wafer", "compare", "{0}.log", "{0}.log"),
    "a table of latencies": ("bench", "quality", "--suite", "replay", "--latency", "{0}"),
    "a session": ("replay", "{0}"),
    "tasks": ("bench", "quality", "--suite", "infill", "--tasks", "{0}"),
    "situations": ("bench", "quality", "--suite", "situations", "--tasks", "{0}"),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_one_short_line_and_no_wait(
    spark: Spark, tmp_path: Path, command: tuple[str, ...], make: Make
) -> None:
    place = str(tmp_path / "given")
    call = [part.format(place) for part in command]
    file = next(Path(part) for part in call if part.startswith(place))
    make(file)
    outcome = spark(*call)
    assert outcome.code in (1, 2)
    assert outcome.out == ""
    (line,) = outcome.err.splitlines()
    assert len(line) < 2_100
    assert line.isprintable()
    assert "unexpectedly" not in line
    assert "Traceback" not in line


def test_results_of_a_sweep_are_a_file_of_results(spark: Spark, tmp_path: Path) -> None:
    """The file that is written is read first, to go on with."""
    grid, out = tmp_path / "grid.toml", tmp_path / "out.jsonl"
    grid.write_text('question = "plan"\nmodels = ["spark-nano"]\n')
    for make in (os.mkfifo, zero, endless, lambda path: path.write_text(DEEP)):
        make(out)
        outcome = spark("wafer", "sweep", str(grid), "--out", str(out))
        assert outcome.code in (1, 2)
        line = outcome.err.splitlines()[-1]  # after the count
        assert line.startswith(f"spark-tui: {out}")
        assert "unexpectedly" not in line
        out.unlink()


@pytest.mark.parametrize("name", ["~nobody-has-this-name/x", "a\\u0000b", "x" * 5000])
def test_a_model_of_a_grid_may_have_any_name(tmp_path: Path, name: str) -> None:
    grid = tmp_path / "grid.toml"
    grid.write_text(f'question = "plan"\nmodels = ["{name}"]\n')
    (point,) = read_grid(grid)
    assert point.model == name.replace("\\u0000", "\0")


@pytest.mark.parametrize(
    "text", [f"a = {DEEP}", "a = " + "9" * 5000, "a = \x00", "=", "a = 1\na = 2"]
)
def test_what_is_no_toml_is_one_kind_of_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]+$"):
        parse_toml(text)
