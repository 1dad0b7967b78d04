"""Measure a start: from the command to first paint, engine ready, first suggestion; and memory.

Runs the real program in a pseudo-terminal, as a person would, after one start that is not
measured and fills the caches; with --cold that one is measured, too, and compiles all kernels.
Everything is host time; memory is the engine process's, as Linux counts it.  Prints a table, then
one JSON object as the last line.  A benchmark, not a test: the figures depend on the machine.
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
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
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
class Memory:
    """Memory of the engine process, in MB of 10⁶ bytes."""

    own_mb: float
    """What nobody shares with it."""
    proportional_mb: float
    """The same and its share of what others use, too (Pss): code of libraries, mapped files."""
    peak_mb: float
    """The most that was resident at a time (VmHWM)."""


@dataclass(frozen=True, slots=True)
class Start:
    """One start of the program; milliseconds since the command."""

    engine_listens_ms: float | None
    """Until the engine process takes connections, by its log; None if that is not told."""
    first_paint_ms: float
    """Until the opened file's text is on the screen."""
    engine_ready_ms: float
    first_suggestion_ms: float
    """Until the answer to one key, typed when the engine was ready, is on the screen."""
    suggested: bool
    """False: the engine answered with no text."""
    ready: Memory | None
    """When the engine was ready; None where the system does not tell."""
    answered: Memory | None
    """After the answer."""


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


def engine_memory(runtime: Path) -> Memory | None:
    """Return the memory of the engine process that has its socket in a folder."""
    try:
        process = Path("/proc") / str(engine_process(runtime))
        rolled = _kilobytes((process / "smaps_rollup").read_text())
        peak = _kilobytes((process / "status").read_text())["VmHWM"]
    except (OSError, ValueError, KeyError):
        return None
    own = rolled["Private_Clean"] + rolled["Private_Dirty"]
    return Memory(*(round(each * 1.024e-3, 1) for each in (own, rolled["Pss"], peak)))


def engine_process(runtime: Path) -> int:
    """Return the number of the engine process that has its socket in a folder.

    Raises:
        ValueError: There is none.
    """
    (note,) = runtime.glob("*.open")
    return int(json.loads(note.read_text())["process"])


def end_engine(runtime: Path) -> None:
    """End the engine process: with it the next one would share mapped weights, and the cores."""
    try:
        number = engine_process(runtime)
        os.kill(number, signal.SIGTERM)
    except (OSError, ValueError, KeyError):
        return
    deadline = time.perf_counter() + 5
    while any(runtime.glob("*.open")) and time.perf_counter() < deadline:
        time.sleep(0.02)


def listens_ms(state: Path, began: float) -> float | None:
    """Return when an engine process began to listen, in ms since ``began`` (`time.time`)."""
    try:
        log = (state / "engine.log").read_text("utf-8")
        words = next(line for line in log.splitlines() if "serving at" in line).split()
        written = datetime.strptime(" ".join(words[:2]), "%Y-%m-%d %H:%M:%S,%f")
    except (OSError, StopIteration, ValueError):
        return None
    return (written.timestamp() - began) * 1e3


def _kilobytes(text: str) -> dict[str, int]:
    """Return the figures in kB of a file of /proc."""
    return {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M)}


def measure(folder: Path, environment: dict[str, str], model: str) -> Start:
    """Start the program once, get one suggestion, end it."""
    file = folder / "settings.py"
    file.write_text(SOURCE, encoding="utf-8")
    line = len(SOURCE.splitlines())
    # With a model named, nobody is asked about another one.
    command = [sys.executable, "-P", "-m", "tui", f"{file}:{line}", "--model", model]
    runtime, state = (Path(environment[f"SPARK_{name}_DIR"]) for name in ("RUNTIME", "STATE"))
    began = time.time()
    terminal = Terminal(command, environment, folder)
    try:
        paint, _ = terminal.wait_for(re.compile(MARKER), "the opened file")
        ready, _ = terminal.wait_for(READY, "a ready engine")
        at_ready = engine_memory(runtime)
        terminal.write(b"\x1b[Fr")  # End, then one key
        answer, text = terminal.wait_for(ANSWER, "an answer")
        answered = engine_memory(runtime)
    finally:
        terminal.close()
        end_engine(runtime)
    return Start(
        listens_ms(state, began),
        paint,
        ready,
        answer,
        not text.startswith("no"),
        at_ready,
        answered,
    )


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
    parser.add_argument("--model", default="spark-nano", help="name, or path of a folder or file")
    parser.add_argument("--cold", action="store_true", help="begin with an empty cache")
    options = parser.parse_args()
    model = str(Path(options.model).resolve()) if os.sep in options.model else options.model
    with tempfile.TemporaryDirectory(prefix="spark-bench.") as name:
        folder = Path(name)
        (folder / ".git").mkdir()
        caches = {"SPARK_CACHE_DIR": str(folder / "cache")} if options.cold else {}
        environment = os.environ | caches
        first = measure(folder, environment | folders(folder, "first"), model)
        # Folders of its own for each: neither the engine of the start before nor its unsaved
        # text must be found.
        runs = [
            measure(folder, environment | folders(folder, str(index)), model)
            for index in range(max(1, options.starts))
        ]
    report(runs, import_costs(), first if options.cold else None)


def folders(folder: Path, name: str) -> dict[str, str]:
    """Return the environment of a start that finds nothing of another one."""
    return {
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(ROOT),
        "SPARK_RUNTIME_DIR": str(folder / f"run-{name}"),
        "SPARK_STATE_DIR": str(folder / f"state-{name}"),
        "SPARK_CONFIG_DIR": str(folder / f"config-{name}"),
    }


def report(runs: list[Start], imports: dict[str, float], cold: Start | None) -> None:
    """Print the table and the JSON object."""
    names = ("engine_listens_ms", "first_paint_ms", "engine_ready_ms", "first_suggestion_ms")
    summary: dict[str, object] = {}
    print(f"{'host time since the command':<32}{'median':>10}{'best':>10}{'worst':>10}")
    for name in names:
        values = [value for run in runs if (value := getattr(run, name)) is not None]
        if not values:
            continue
        summary[name] = round(statistics.median(values), 1)
        label = name.removesuffix("_ms").replace("_", " ")
        print(
            f"{label:<32}{statistics.median(values):>7.0f} ms{min(values):>7.0f} ms"
            f"{max(values):>7.0f} ms"
        )
    if cold is not None:
        print(f"{'engine ready, empty cache':<32}{cold.engine_ready_ms:>7.0f} ms")
    for label in ("ready", "answered"):
        summary[f"{label}_memory"] = memory = _median([getattr(run, label) for run in runs])
        for name, value in (memory or {}).items():
            title = f"engine {label}, {name.removesuffix('_mb')} memory"
            print(f"{title:<40}{value:>7.1f} MB")
    print(f"\n{'import in a fresh process':<32}{'best of 3':>10}")
    for module, cost in imports.items():
        print(f"{module:<32}{cost:>7.0f} ms")
    print(
        json.dumps(
            summary
            | {
                "cold": None if cold is None else asdict(cold),
                "starts": [asdict(run) for run in runs],
                "import_ms": imports,
            },
        )
    )


def _median(found: Sequence[Memory | None]) -> dict[str, float] | None:
    """Return the median of each figure; None where the system told none."""
    known = [asdict(each) for each in found if each is not None]
    if not known:
        return None
    return {name: round(statistics.median(each[name] for each in known), 1) for name in known[0]}


if __name__ == "__main__":
    main()
