"""Soak: edit at random for a while, with suggestions, while much goes wrong; does anything grow?

Runs the real program in a pseudo-terminal on a repository of its own.  Meanwhile the engine process
is killed at random moments, and other programs change, remove and add files, the open one too.
Every round types a text that is known to the letter, saves it and counts what is not in the file.
Prints memory, open files and threads of the app and the engine process over time, and the keys
that were lost; then one JSON object as the last line.  Fails if a key was lost or a figure grew by
more than 10 % after the first fifth of the time.  Linux only.
"""

import argparse
import fcntl
import json
import os
import re
import signal
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from random import Random
from statistics import median

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # for the imports here; the program is the installed one

from engine.client import STABLE_SECONDS  # noqa: E402
from scripts.bench.editing import (  # noqa: E402
    CTRL_END,
    ESCAPE,
    SAVE,
    KnownText,
    lost_keys,
    stirring_key,
)
from scripts.bench_startup import READY, Terminal, folders  # noqa: E402

MOST_GROWTH = 0.10
KEYS_A_ROUND = 60
WARM_UP_ROUNDS = 2
"""Before the time begins: what is imported and made on first use is no growth."""
KEY_SECONDS = (0.01, 0.06)
SETTLE_SECONDS = 20.0
"""Until a file must hold what was typed, or the screen show what is in a file."""
KILL_EVERY_SECONDS = 12.0
"""On average."""
EARLY_KILLS = 3
"""Engine processes in a row that are killed before they were ready for a while: the client gives up
one that dies again and again (`engine.client.BACK_OFF_SECONDS`), and the rest of the time would be
without suggestions."""
LONG_SECONDS = 600.0
"""In a run of this length an engine must have been there to be measured, early and late."""
NEIGHBOURS = 40
_SCREEN_BYTES = 1 << 16
_LONG_ESCAPE = 0.25
"""The least time after an Esc: with what the program reads in one go with it, it would be Alt."""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the two processes take at one moment."""

    seconds: float
    """Since the start."""
    app_mb: float
    """Memory that nobody shares, in MB of 10⁶ bytes."""
    app_files: int
    app_threads: int
    engine_mb: float | None
    """None while there is no engine process that has been ready for a while."""
    engine_files: int | None
    engine_threads: int | None


class Window(Terminal):
    """The program's terminal: keys go in, and what comes out is read and mostly forgotten."""

    @property
    def process(self) -> int:
        """The program's process."""
        return self._pid

    @property
    def last_words(self) -> str:
        """The end of what the program wrote."""
        return self._text()[-600:]

    def press(self, key: bytes, seconds: float) -> None:
        """Press a key and read for a while."""
        os.write(self._fd, key)
        self.read_for(seconds)

    def read_for(self, seconds: float) -> None:
        """Read what the program writes; keep the end.

        Raises:
            EOFError: It has ended.
        """
        end = time.monotonic() + seconds
        while True:
            if not self._read():
                raise EOFError(f"the program ended; its last words: {self._text()[-300:]!r}")
            self._raw = self._raw[-_SCREEN_BYTES:]
            if time.monotonic() >= end:
                return

    def escape(self) -> None:
        """Press Esc and wait until the program has read it, however busy it is."""
        self.press(ESCAPE, _LONG_ESCAPE)
        self.until(lambda: not self._unread())

    def _unread(self) -> int:
        """Return how many bytes of keys the program has not read."""
        with open(f"/proc/{self._pid}/fd/0", opener=_without_control) as inner:
            found = fcntl.ioctl(inner, termios.FIONREAD, bytes(4))
        return int.from_bytes(found, sys.byteorder)

    def until(self, holds: Callable[[], bool], seconds: float = SETTLE_SECONDS) -> bool:
        """Read until something holds; return whether it does in time."""
        end = time.monotonic() + seconds
        while not (there := holds()) and time.monotonic() < end:
            self.read_for(0.02)
        return there

    def shows(self, words: str) -> bool:
        """Return whether the program wrote some words a short while ago."""
        return words in self._text()


class Soak:
    """One run.

    Args:
        window: The program, with the file open.
        folder: Its repository.
        runtime: Where the engine process leaves its note.
        rng: Decides everything.
    """

    def __init__(self, window: Window, folder: Path, runtime: Path, rng: Random) -> None:
        self._window = window
        self._folder = folder
        self._file = folder / "soaked.py"
        self._runtime = runtime
        self._rng = rng
        self._began = time.monotonic()
        self._next_kill = self._soon()
        self._engine = 0
        self._ready_since: float | None = None
        self._early_kills = 0
        self.keys = self.lost = self.rounds = self.kills = 0
        self.samples: list[Sample] = []

    def run(self, seconds: float) -> None:
        """Edit for so long, after some rounds in which everything happens once."""
        self._next_kill = 0.0
        for _ in range(WARM_UP_ROUNDS):
            self._round()
        self._began = time.monotonic()
        self.samples.clear()
        while time.monotonic() - self._began < seconds:
            self._round()

    def _round(self) -> None:
        self.rounds += 1
        self._stir()
        self._measure()
        self._replace_file()
        self._type_known_text()
        self._measure()

    def _stir(self) -> None:
        """Press any keys; what comes of them is known to nobody."""
        for _ in range(KEYS_A_ROUND):
            self._press(stirring_key(self._rng))
        self._press(ESCAPE)
        self._save()

    def _save(self) -> None:
        """Type a mark at the end, save, and wait until it is in the file: then nothing is unsaved.

        Raises:
            EOFError: It never is.
        """
        mark = f" stirred{self.rounds}"
        self._press(CTRL_END)
        for sign in mark:
            self._press(sign.encode())
        self._press(SAVE)
        if not self._window.until(lambda: mark in self._file.read_text()):
            raise EOFError(
                f"what was typed in round {self.rounds} was never saved; the screen was last told"
                f" {self._window.last_words!r}"
            )

    def _replace_file(self) -> None:
        """Let another program write the open file, which is saved, and wait until it is shown."""
        mark = f"round {self.rounds} of many"
        self._file.write_text(f"import json\n\n\ndef load(path):\n    return json  # {mark}\n\n\n")
        if not self._window.until(lambda: self._window.shows(mark)):
            raise EOFError(f"the app never showed what another program wrote: {mark}")

    def _type_known_text(self) -> None:
        """Type keys whose text is known, save, and count those that are not in the file."""
        known = KnownText(self._file.read_text())
        self._press(CTRL_END)
        for _ in range(KEYS_A_ROUND):
            self._press(known.key(self._rng))
            self.keys += 1
        self._press(SAVE)
        if not self._window.until(lambda: self._file.read_text() == known.text):
            self.lost += lost_keys(known.text, self._file.read_text()) or 1

    def _press(self, key: bytes) -> None:
        """Press a key; other things happen meanwhile."""
        if key == ESCAPE:
            self._window.escape()
        else:
            self._window.press(key, self._rng.uniform(*KEY_SECONDS))
        if self._rng.random() < 0.05:
            self._change_neighbours()
        if time.monotonic() >= self._next_kill and (engine := self._engine_process()):
            self._kill(engine)

    def _kill(self, engine: int) -> None:
        """Kill the engine process at any moment, but not too often before it served."""
        since = self._ready_since if self._engine_process(ready=True) else None
        served = since is not None and time.monotonic() - since > 2 * STABLE_SECONDS
        if not served and self._early_kills >= EARLY_KILLS:
            return
        self._early_kills = 0 if served else self._early_kills + 1
        with suppress(ProcessLookupError):
            os.kill(engine, signal.SIGKILL)
        self.kills += 1
        self._ready_since = None
        self._next_kill = self._soon()

    def _soon(self) -> float:
        return time.monotonic() + self._rng.uniform(0.5, 1.5) * KILL_EVERY_SECONDS

    def _change_neighbours(self) -> None:
        """Write, rename or remove files beside the open one, as a checkout does."""
        path = self._folder / "beside" / f"part_{self._rng.randrange(NEIGHBOURS)}.py"
        kind = self._rng.randrange(4)
        if kind == 0:
            path.unlink(missing_ok=True)
        elif kind == 1 and path.exists():
            path.rename(path.with_name(f"part_{self._rng.randrange(NEIGHBOURS)}.py"))
        else:
            names = (f"value_{self._rng.randrange(1000)}" for _ in range(20))
            path.write_text("".join(f"def {name}(path):\n    return path\n\n\n" for name in names))

    # ── what it takes ───────────────────────────────────────────────────────────────────────

    def _engine_process(self, *, ready: bool = False) -> int | None:
        """Return the engine process, if there is one now; None if it is to be ready and opens."""
        try:
            (file,) = self._runtime.glob("*.open")
            note = json.loads(file.read_text())
            process = int(note["process"])
            os.kill(process, 0)
        except (OSError, ValueError, KeyError):
            return None
        return None if ready and note["opening"] else process

    def _measure(self) -> None:
        """Keep a sample, with the engine's part if it was ready at the last one, too."""
        engine = self._engine_process(ready=True)
        if engine is None:
            self._ready_since = None
        elif self._ready_since is None:
            self._ready_since = time.monotonic()
        app = _taken(self._window.process)
        other = _taken(engine) if engine is not None and engine == self._engine else None
        self._engine = engine or 0
        seconds = round(time.monotonic() - self._began, 1)
        if app is not None:
            self.samples.append(Sample(seconds, *app, *(other or (None, None, None))))


def _without_control(path: str, flags: int) -> int:
    """Open a terminal that does not become ours."""
    return os.open(path, flags | os.O_NOCTTY)


def _taken(process: int) -> tuple[float, int, int] | None:
    """Return memory, open files and threads of a process; None if it is gone."""
    place = Path("/proc") / str(process)
    try:
        rolled = (place / "smaps_rollup").read_text()
        private = sum(int(kb) for kb in re.findall(r"^Private_\w+:\s+(\d+) kB", rolled, re.M))
        files = len(list((place / "fd").iterdir()))
        return round(private * 1.024e-3, 1), files, len(list((place / "task").iterdir()))
    except OSError:
        return None


def growth(samples: list[Sample], name: str) -> float | None:
    """Return by which share a figure grew between the second fifth of the time and the last.

    None where nothing was measured in one of them.  Of files and threads the fewest count, for what
    leaks stays: a program that is being started holds some for a moment.  One more is no growth.
    """
    if not samples:
        return None
    end = samples[-1].seconds
    known = [(each.seconds / end, getattr(each, name)) for each in samples]
    early = [value for when, value in known if value is not None and 0.2 <= when < 0.4]
    late = [value for when, value in known if value is not None and when >= 0.8]
    if not early or not late:
        return None
    counted = isinstance(early[0], int)
    lasting = min if counted else median
    before, after = lasting(early), lasting(late)
    return 0.0 if counted and after - before <= 1 else float(after / before - 1)


@contextmanager
def _program(folder: Path, environment: dict[str, str]) -> Iterator[Window]:
    """Run the program on a new repository until the block ends."""
    (folder / ".git").mkdir(parents=True)
    (folder / "beside").mkdir()
    (folder / "soaked.py").write_text("words = 1\n")
    command = [sys.executable, "-P", "-m", "tui", "soaked.py:1", "--model", "spark-nano"]
    window = Window(command, environment, folder)
    try:
        window.wait_for(re.compile("words"), "the opened file")
        window.wait_for(READY, "a ready engine")
        yield window
    finally:
        window.close()


def soak(seconds: float, seed: int) -> dict[str, object]:
    """Run once and return what was found."""
    with tempfile.TemporaryDirectory(prefix="spark-soak.") as name:
        folder = Path(name)
        own = {key: value for key, value in folders(folder, "soak").items() if key != "PYTHONPATH"}
        with _program(folder / "repository", {**os.environ, **own}) as window:
            run = Soak(window, folder / "repository", folder / "run-soak", Random(seed))
            stuck = ""
            try:
                run.run(seconds)
            except EOFError as error:
                stuck = str(error)
    figures = [field.name for field in fields(Sample)][1:]
    grown = {figure: growth(run.samples, figure) for figure in figures}
    return {
        "seconds": seconds, "seed": seed, "rounds": run.rounds, "keys": run.keys,
        "lost": run.lost, "kills": run.kills, "stuck": stuck, "growth": grown,
        "samples": [asdict(sample) for sample in run.samples],
    }  # fmt: skip


def problems(found: dict[str, object]) -> list[str]:
    """Return a line for everything that must not be."""
    said = [f"{found['lost']} of {found['keys']} keys were lost"] if found["lost"] else []
    if found["stuck"]:
        said.append(str(found["stuck"]))
    grown = found["growth"]
    assert isinstance(grown, dict)
    seconds = found["seconds"]
    assert isinstance(seconds, float)
    if seconds >= LONG_SECONDS and grown["engine_mb"] is None:
        said.append("no engine process was there to be measured early and late in the time")
    for figure, share in grown.items():
        if share is not None and share > MOST_GROWTH:
            said.append(f"{figure} grew by {share:.1%} after the first fifth of the time")
    return said


def report(found: dict[str, object]) -> None:
    """Print the table, what is wrong, and the JSON object."""
    samples = found["samples"]
    assert isinstance(samples, list)
    names = [field.name for field in fields(Sample)]
    print("  ".join(f"{name:>14}" for name in names))
    for sample in samples[:: max(1, len(samples) // 20)]:
        print("  ".join(f"{'—' if sample[n] is None else sample[n]:>14}" for n in names))
    print(
        f"\n{found['rounds']} rounds, {found['keys']} keys known to the letter,"
        f" {found['lost']} lost; the engine was killed {found['kills']} times"
    )
    for line in problems(found):
        print(f"wrong: {line}")
    print(json.dumps(found))


def main() -> int:
    """Soak as the command line says; return 1 if something grew or was lost."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=3600.0, help="how long (default: an hour)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    found = soak(options.seconds, options.seed)
    report(found)
    return 1 if problems(found) else 0


if __name__ == "__main__":
    sys.exit(main())
