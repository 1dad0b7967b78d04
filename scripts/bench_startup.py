"""Measure a warm start: from the command to first paint, engine ready, first suggestion.

Runs the real program in a pseudo-terminal, as a person would, after one start that is not
measured and fills the caches.  Everything is host time.  Prints a table, then one JSON object as
the last line.  A benchmark, not a test: the figures depend on the machine.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COLUMNS, ROWS = 140, 40
MARKER = "startup benchmark"
SOURCE = f"""# {MARKER}
import json


def load_settings(path):
    with open(path) as file:
        """
TIMEOUT_SECONDS = 300.0
IMPORTS = ("engine", "engine.client", "tui.cli.main", "textual.app", "tui.app", "engine.session")

_ESCAPE = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_].*?\x1b\\|.)")
READY = re.compile(r"● *ready")
ANSWER = re.compile(r"suggestion \d+ m?s host|suggestion [\d.]+ s host|no suggestion: ")


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the program; milliseconds since the command."""

    first_paint_ms: float
    """Until the opened file's text is on the screen."""
    engine_ready_ms: float
    first_suggestion_ms: float
    """Until the answer to one key, typed when the engine was ready, is on the screen."""
    suggested: bool
    """False: the engine answered with no text."""


class Terminal:
    """A program in a pseudo-terminal, and everything it wrote so far, without control codes."""

    def __init__(self, command: list[str], environment: dict[str, str], folder: Path) -> None:
        self.began = time.perf_counter()
        self._pid, self._fd = pty.fork()
        if self._pid == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
        self._raw = b""

    def wait_for(self, pattern: re.Pattern[str], what: str) -> tuple[float, str]:
        """Return when (milliseconds since the command) ``pattern`` was written, and its text."""
        while time.perf_counter() - self.began < TIMEOUT_SECONDS:
            match = pattern.search(self._text())
            if match is not None:
                return (time.perf_counter() - self.began) * 1e3, match[0]
            if not self._read():
                break
        raise TimeoutError(f"the program never showed {what}; it wrote: {self._text()[-400:]!r}")

    def write(self, keys: bytes) -> None:
        """Press ``keys``; what was written before no longer counts."""
        self._raw = b""
        os.write(self._fd, keys)

    def close(self) -> None:
        """End the program."""
        os.kill(self._pid, signal.SIGTERM)
        deadline = time.perf_counter() + 5
        while os.waitpid(self._pid, os.WNOHANG) == (0, 0):
            if time.perf_counter() > deadline:
                os.kill(self._pid, signal.SIGKILL)
                os.waitpid(self._pid, 0)
                break
            self._read()
        os.close(self._fd)

    def _read(self) -> bool:
        """Take what the program wrote within 20 ms; return False when it has ended."""
        if not select.select([self._fd], [], [], 0.02)[0]:
            return True
        try:
            data = os.read(self._fd, 65536)
        except OSError:  # Linux: the other end is closed
            return False
        self._raw += data
        return bool(data)

    def _text(self) -> str:
        return _ESCAPE.sub("", self._raw.decode("utf-8", errors="replace"))


def measure(folder: Path, environment: dict[str, str]) -> Start:
    """Start the program once, get one suggestion, end it."""
    file = folder / "settings.py"
    file.write_text(SOURCE, encoding="utf-8")
    line = len(SOURCE.splitlines())
    # With a model named, nobody is asked about another one.
    command = [str(ROOT / "scripts" / "run"), f"{file}:{line}", "--model", "spark-nano"]
    terminal = Terminal(command, environment, folder)
    try:
        paint, _ = terminal.wait_for(re.compile(MARKER), "the opened file")
        ready, _ = terminal.wait_for(READY, "a ready engine")
        terminal.write(b"\x1b[Fr")  # End, then one key
        answer, text = terminal.wait_for(ANSWER, "an answer")
    finally:
        terminal.close()
    return Start(paint, ready, answer, not text.startswith("no"))


def import_costs() -> dict[str, float]:
    """Return the milliseconds a fresh process takes to import each module, interpreter excluded."""
    code = (
        "import sys, time; began = time.perf_counter(); __import__(sys.argv[1]);"
        "print((time.perf_counter() - began) * 1e3)"
    )
    costs = {}
    for module in IMPORTS:
        times = []
        for _ in range(3):
            done = subprocess.run(
                [sys.executable, "-c", code, module],
                cwd=ROOT,
                capture_output=True,
                text=True,
                check=True,
            )
            times.append(float(done.stdout))
        costs[module] = round(min(times), 1)
    return costs


def main() -> None:
    """Measure, print a table and one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--starts", type=int, default=5, help="measured starts (default 5)")
    starts = max(1, parser.parse_args().starts)
    with tempfile.TemporaryDirectory(prefix="spark-bench.") as name:
        folder = Path(name)
        (folder / ".git").mkdir()
        environment = os.environ | {
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LC_ALL": "C.UTF-8",
            "SPARK_RUNTIME_DIR": str(folder / "run"),
            "SPARK_STATE_DIR": str(folder / "state"),
            "SPARK_CONFIG_DIR": str(folder / "config"),
        }
        measure(folder, environment)
        runs = []
        for index in range(starts):
            # Folders of its own: neither the engine of the start before nor its unsaved text
            # must be found.
            environment["SPARK_RUNTIME_DIR"] = str(folder / f"run{index}")
            environment["SPARK_STATE_DIR"] = str(folder / f"state{index}")
            runs.append(measure(folder, environment))
    report(runs, import_costs())


def report(runs: list[Start], imports: dict[str, float]) -> None:
    """Print the table and the JSON object."""
    names = ("first_paint_ms", "engine_ready_ms", "first_suggestion_ms")
    summary = {}
    print(f"{'host time since the command':<32}{'median':>10}{'best':>10}{'worst':>10}")
    for name in names:
        values = [getattr(run, name) for run in runs]
        summary[name] = round(statistics.median(values), 1)
        label = name.removesuffix("_ms").replace("_", " ")
        print(
            f"{label:<32}{statistics.median(values):>7.0f} ms{min(values):>7.0f} ms"
            f"{max(values):>7.0f} ms"
        )
    print(f"\n{'import in a fresh process':<32}{'best of 3':>10}")
    for module, cost in imports.items():
        print(f"{module:<32}{cost:>7.0f} ms")
    print(
        json.dumps(
            summary | {"starts": [asdict(run) for run in runs], "import_ms": imports},
        )
    )


if __name__ == "__main__":
    main()
