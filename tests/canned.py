"""A session without a model: a runner that says a fixed text, on a made-up machine.

For tests of everything around a transformer.  ``python tests/canned.py --socket S`` serves it as
an engine process; the environment says what: ``CANNED_TEXT`` (``{model}`` is the model's name),
``CANNED_STEP_SECONDS``, ``CANNED_START_SECONDS``, ``CANNED_START_STEPS``, ``CANNED_ERROR``,
``CANNED_CHAT``, with which it follows instructions, and ``CANNED_KILLED``, the name of a model
whose opening kills the process.
"""

import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.completion.completer import Completer
from engine.completion.stats import WaferMeter
from engine.generation.generator import Generator
from engine.knowledge.tuning import Tuning
from engine.probabilities import Logits, Shares, probabilities
from engine.protocol.messages import MachineInfo, ModelInfo, OpenSession, Progress, RegionInfo
from engine.remote import RemoteSession
from engine.session import Session
from engine.tokenizer import Tokenizer
from engine.wafer.timing.blocks import CellGrid
from engine.wafer.timing.core_view import CellActivity
from tests.engine_tokenizers import byte_tokenizer, chat_tokenizer

VOCABULARY = 263
FIRST_BYTE_TOKEN = 7
END = 0


class CannedRunner:
    """After any prompt, says ``text`` byte by byte, then ends.  Records its calls."""

    def __init__(
        self,
        text: str,
        *,
        context_length: int = 512,
        step_seconds: float = 0.0,
        contexts: int = 1,
        row_bytes: int = 1,
    ) -> None:
        self.context_length = context_length
        self.contexts = contexts
        self.row_bytes = row_bytes
        self.position = 0
        self._context = 0
        self._positions: dict[int, int] = {}
        self.calls: list[tuple[str, int]] = []
        self.step_seconds = step_seconds
        self._tokens = [FIRST_BYTE_TOKEN + byte for byte in text.encode()] + [END]
        self._begun = 0  # where the text begins

    def rewind(self, position: int) -> None:
        assert 0 <= position <= self.position
        self.calls.append(("rewind", position))
        self.position = position

    def select(self, context: int, rows: int) -> None:
        assert 0 <= context < self.contexts
        assert rows <= self.context_length
        self._positions[self._context] = self.position
        self._context, self.position = context, self._positions.get(context, 0)

    def copy_rows(self, source: int, target: int, rows: int) -> None:
        assert (target, rows <= self._positions[source]) == (self._context, True)
        self.calls.append(("copy", rows))
        self.position = rows

    def release(self, context: int) -> None:
        self.calls.append(("release", context))
        self._positions.pop(context, None)

    def context_bytes(self, rows: int) -> int:
        return self.row_bytes * rows

    def probabilities(self, logits: Logits) -> Shares:
        return probabilities(logits)

    def interrupt(self) -> None:
        self.calls.append(("interrupt", 0))

    def prefill(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        assert 1 <= len(tokens) <= 64
        assert tokens.dtype == np.int32
        self.calls.append(("prefill", len(tokens)))
        self._begun = self.position + len(tokens)
        return self._append(len(tokens))[-1]

    def decode(self, token: int) -> NDArray[np.float32]:
        self.calls.append(("decode", token))
        return self._append(1)[-1]

    def verify(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        assert 1 <= last <= len(tokens) <= 64
        assert tokens.dtype == np.int32
        self.calls.append(("verify", len(tokens)))
        if last < len(tokens):  # the end of a prompt, and what is known of the text
            self._begun = self.position + len(tokens) - last + 1
        return self._append(len(tokens))[-last:]

    def _append(self, rows: int) -> NDArray[np.float32]:
        time.sleep(self.step_seconds)
        self.position += rows
        assert self.position <= self.context_length
        logits = np.zeros((rows, VOCABULARY), np.float32)
        for row, said in enumerate(range(self.position - rows + 1, self.position + 1)):
            at = min(max(said - self._begun, 0), len(self._tokens) - 1)
            logits[row, self._tokens[at]] = 9.0
        return logits


class CannedPlaced:
    """A wafer of 2 × 1 cores: a step takes 1,000 cycles a row and 1 a row in the cache."""

    def __init__(self, calls: list[tuple[str, int]]) -> None:
        self._calls = calls

    def step_cycles(self, position: int, rows: int = 1, last: int = 1) -> int:
        return 1000 * rows + position

    def mac_utilisation(self, position: int) -> float:
        return 0.05

    @property
    def counts(self) -> "CannedCounts":
        return CannedCounts(len(self._calls))

    def view(self, grid: CellGrid | None) -> "CannedView":
        return CannedView(grid)


class CannedView:
    """A view of that wafer: every call takes six cycles, one of each state, in both cores."""

    def __init__(self, grid: CellGrid | None) -> None:
        self._cells = 0 if grid is None else grid.cells

    def activity(self, counts: "CannedCounts") -> CellActivity:
        calls = counts.calls
        cells, regions = (np.full((n, 6), 2 * calls, np.int64) for n in (self._cells, 1))
        return CellActivity(6 * calls, cells, regions, {"matmul": 6 * calls})


class CannedWafer(CannedRunner):
    """The runner on that wafer."""

    processor_path = "portable"
    threads = 1

    def __init__(self, text: str, **options: float) -> None:
        super().__init__(text, **options)
        self.placed = CannedPlaced(self.calls)

    def close(self) -> None:
        self.calls.append(("close", 0))


@dataclass(frozen=True, slots=True)
class CannedCounts:
    calls: int

    def since(self, earlier: "CannedCounts") -> "CannedCounts":
        return CannedCounts(self.calls - earlier.calls)


def canned_model_info(name: str = "canned") -> ModelInfo:
    return ModelInfo(name, "/nowhere", 1, 1, 1, VOCABULARY, 512, "python", 1, True)


def canned_machine_info() -> MachineInfo:
    sram = {"code": 1, "weights": 2, "kv": 3, "buffers": 4, "max_total": 10}
    region = RegionInfo("layer 0", 0, 0, 2, 1, sram)
    return MachineInfo("canned", 1.0, 2, 1, 64, "program", 2, [region])


def canned_completer(text: str) -> Completer:
    wafer = CannedWafer(text)
    meter = WaferMeter(canned_machine_info(), wafer.placed, wafer.context_length)
    return Completer(canned_model_info(), byte_tokenizer(), Generator(wafer), meter, None)


def session_on(
    wafer: CannedWafer,
    tuning: Tuning | None = None,
    name: str = "canned",
    tokenizer: Tokenizer | None = None,
) -> Session:
    """A session whose model is ``wafer``."""
    vocabulary = tokenizer or byte_tokenizer()
    return Session(canned_model_info(name), canned_machine_info(), vocabulary, wafer, tuning)


def canned_session(text: str, *, step_seconds: float = 0.0) -> Session:
    return session_on(CannedWafer(text, step_seconds=step_seconds))


def _open(asked: OpenSession, on_progress: Callable[[Progress], None]) -> Session | RemoteSession:
    from engine.errors import ModelError
    from engine.opening import open_session
    from engine.remote_host import is_remote

    if is_remote(asked.model):
        return open_session(asked.model, asked.machine, access=asked.access)
    name = Path(str(asked.model)).name
    steps = int(os.environ.get("CANNED_START_STEPS", "1"))
    seconds = float(os.environ.get("CANNED_START_SECONDS", "0"))
    for step in range(steps):
        on_progress(Progress("model", step, steps, "reading the model"))
        time.sleep(seconds / steps)
    if os.environ.get("CANNED_KILLED") == name:
        os.kill(os.getpid(), signal.SIGKILL)
    if "CANNED_ERROR" in os.environ:
        raise ModelError(os.environ["CANNED_ERROR"])
    text = os.environ.get("CANNED_TEXT", "return 1").format(model=name)
    step_seconds = float(os.environ.get("CANNED_STEP_SECONDS", "0"))
    if "CANNED_CHAT" in os.environ:
        wafer = CannedWafer(text, step_seconds=step_seconds, context_length=4096)
        return session_on(wafer, name=name, tokenizer=chat_tokenizer())
    return session_on(CannedWafer(text, step_seconds=step_seconds), name=name)


def _main() -> None:
    from engine.server import process
    from engine.server.__main__ import engine, parse

    options = parse(sys.argv[1:])
    process.open_log()
    process.serve(options.socket, engine(options, _open))
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    _main()
