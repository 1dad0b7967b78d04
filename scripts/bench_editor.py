"""From a key to its character on the screen: with suggestions, without, and in Textual's editor.

Runs the real program in a pseudo-terminal on files of two lengths, the panes live, and types at a
steady pace letters that stand nowhere else: a key is on the screen when its letter is written.
With suggestions each key asks the model again, so the engine computes meanwhile; without them it
rests.  Textual's stock `TextArea` with the same text is measured beside them.  All runs take turns
in rounds, less than two minutes together on an idle machine.  Host time; prints a table, then one
JSON object as the last line.  A benchmark, not a test: trust the ratios, and no figure of a busy
machine.  Linux and macOS.
"""

import argparse
import ast
import json
import os
import re
import select
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from random import Random
from statistics import median, quantiles

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the imports here; the program is the installed one

from scripts.bench_startup import READY, Terminal, end_engine, folders  # noqa: E402

MARKER = "typed_here_"
SOURCE = Path(ast.__file__).read_text(encoding="utf-8").split("\n")
GHOST = re.compile(rb"\x1b\[(?:2;)?3(?:;[\d;]+)?m")
"""The beginning of italic text, which of the rows that a key changes only ghost text is.  Textual
makes dim text a darker colour, unless the terminal's own colours are asked for."""
SETTINGS = """\
[suggestions]
automatic = {automatic}
adaptive_delay = false
delay_ms = 20
threshold = 1
"""
"""Soon after each key, and however unlikely: a ghost for as many keys as possible."""
PATIENCE_SECONDS = 10.0
LINE_KEYS = 25
"""Keys on one line; then Enter, so that all stays in view."""
STOCK = """
import sys
from textual.app import App
from textual.widgets import TextArea
text = open(sys.argv[1], encoding="utf-8").read()
class Stock(App):
    def compose(self):
        yield TextArea.code_editor(text, language="python")
    def on_mount(self):
        area = self.query_one(TextArea)
        area.focus()
        row = int(sys.argv[2]) - 1
        area.move_cursor((row, len(area.document[row])), center=True)
Stock().run()
"""


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of run."""

    name: str
    lines: int
    suggestions: bool | None
    """None: Textual's stock editor."""


class Keys(Terminal):
    """A program at whose cursor letters are typed."""

    def key_ms(self, letter: str) -> float:
        """Type a letter; return the milliseconds until the program wrote it.

        Raises:
            TimeoutError: It did not.
        """
        wanted = letter.encode()
        began = time.perf_counter()
        self.write(wanted)
        while wanted not in self._raw:
            if time.perf_counter() - began > PATIENCE_SECONDS or not self._read():
                raise TimeoutError(f"{letter!r} was never shown: {self._text()[-300:]!r}")
        return (time.perf_counter() - began) * 1e3

    def rest(self, seconds: float) -> bool:
        """Read for a while; return whether ghost text was written."""
        end = time.perf_counter() + seconds
        while (left := end - time.perf_counter()) > 0:
            if select.select([self._fd], [], [], left)[0] and not self._read():
                raise TimeoutError(f"the program ended: {self._text()[-300:]!r}")
        return GHOST.search(self._raw) is not None


def letters(rng: Random) -> Iterator[str]:
    """Yield letters of many alphabets, one cell wide, each once."""
    found = [
        chr(code)
        for start, end in (
            (0x3B1, 0x3CA),
            (0x430, 0x460),
            (0x461, 0x482),
            (0x48B, 0x530),
            (0x561, 0x587),
            (0x10D0, 0x10FB),
        )
        for code in range(start, end)
    ]
    rng.shuffle(found)
    yield from (letter for letter in found if letter.isalpha())


def write_source(file: Path, lines: int) -> int:
    """Write a Python file of so many lines; return the line at whose end is typed, from 1."""
    text = list(islice((line for _ in iter(int, 1) for line in SOURCE), lines - 2))
    blank = [number for number, line in enumerate(text) if line.startswith("def ")]
    middle = min(blank, key=lambda number: abs(number - lines // 2))
    text[middle:middle] = ["def measured(value):", f"    {MARKER}"]
    file.write_text("\n".join(text) + "\n", encoding="utf-8")
    return middle + 2


def command(kind: Kind, file: Path, line: int, model: str) -> list[str]:
    """Return the command of a run."""
    if kind.suggestions is None:
        return [sys.executable, "-P", "-c", STOCK, str(file), str(line)]
    return [sys.executable, "-P", "-m", "tui", f"{file}:{line}", "--model", model]


def typed(
    kind: Kind, call: argparse.Namespace, folder: Path, rng: Random
) -> tuple[list[float], int]:
    """Run once; return the milliseconds of each key, and how many had ghost text after them."""
    environment = folders(folder, kind.name.replace(" ", "-"))
    file = folder / "measured.py"
    line = write_source(file, kind.lines)
    config = Path(environment["SPARK_CONFIG_DIR"])
    config.mkdir(parents=True, exist_ok=True)
    wanted = "true" if kind.suggestions else "false"
    (config / "settings.toml").write_text(SETTINGS.format(automatic=wanted))
    window = Keys(command(kind, file, line, call.model), environment, folder)
    try:
        window.wait_for(re.compile(MARKER), "the file")
        if kind.suggestions is not None:
            window.wait_for(READY, "the engine")
            window.write(b"\x1b[F")  # End
        window.rest(call.settle)
        return _keys(window, call, rng)
    finally:
        window.close()
        end_engine(Path(environment["SPARK_RUNTIME_DIR"]))


def _keys(window: Keys, call: argparse.Namespace, rng: Random) -> tuple[list[float], int]:
    times, ghosts = [], 0
    for number, letter in enumerate(islice(letters(rng), call.keys)):
        if number and number % LINE_KEYS == 0:
            window.write(b"\r")
            window.rest(call.pace)
        times.append(window.key_ms(letter))
        ghosts += window.rest(call.pace * rng.uniform(0.7, 1.3))
    return times, ghosts


def figures(times: list[float]) -> dict[str, float]:
    """Return what is told of a kind of run."""
    cuts = quantiles(times, n=20)
    return {"keys": len(times), "median_ms": round(median(times), 2), "p95_ms": round(cuts[18], 2)}


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", default="spark-nano", help="name or file of the model")
    parser.add_argument("--keys", type=int, default=50, help="keys of each run")
    parser.add_argument("--rounds", type=int, default=2, help="runs of each kind")
    parser.add_argument("--lines", type=int, default=8_000, help="lines of the file")
    parser.add_argument("--long", type=int, default=50_000, help="lines of the long file")
    parser.add_argument("--pace", type=float, default=0.12, help="seconds from key to key, about")
    parser.add_argument("--settle", type=float, default=2.0, help="seconds before the first key")
    return parser.parse_args(arguments)


def kinds_of(call: argparse.Namespace) -> list[Kind]:
    """Return the kinds of runs in the order of a round."""
    return [
        Kind("stock editor", call.lines, None),
        Kind("suggestions off", call.lines, False),
        Kind("suggestions on", call.lines, True),
        Kind("on, long file", call.long, True),
    ]


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and the JSON object."""
    call = parsed(arguments)
    kinds, rng = kinds_of(call), Random(7)
    times: dict[str, list[float]] = {kind.name: [] for kind in kinds}
    ghosts = dict.fromkeys(times, 0)
    for _ in range(call.rounds):
        for kind in kinds:
            # A folder for each: what a run leaves unsaved would be offered to the next.
            with tempfile.TemporaryDirectory(prefix="spark-e") as name:
                found, shown = typed(kind, call, Path(name), rng)
            times[kind.name] += found
            ghosts[kind.name] += shown
    told = {name: figures(each) | {"with_ghost": ghosts[name]} for name, each in times.items()}
    print(f"{'key to screen, host ms':<24}{'keys':>6}{'ghosts':>8}{'median':>9}{'p95':>9}")
    for name, row in told.items():
        print(
            f"{name:<24}{row['keys']:>6}{row['with_ghost']:>8}"
            f"{row['median_ms']:>9.1f}{row['p95_ms']:>9.1f}"
        )
    off, on = told["suggestions off"], told["suggestions on"]
    ratios = {
        "p95_on_over_off": round(on["p95_ms"] / off["p95_ms"], 3),
        "p95_long_over_short": round(told["on, long file"]["p95_ms"] / on["p95_ms"], 3),
        "median_stock_over_off": round(told["stock editor"]["median_ms"] / off["median_ms"], 2),
    }
    print("\n".join(f"{name:<32}{value:>8}" for name, value in ratios.items()))
    print(json.dumps({"model": call.model, "load": os.getloadavg(), "runs": told, **ratios}))


if __name__ == "__main__":
    main()
