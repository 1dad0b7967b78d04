"""A fake engine behind the command line, and folders of its own for every test."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import engine
from engine.protocol.asking import Reading, ReadPart
from engine.protocol.completion import HostStats, WaferStats
from engine.protocol.messages import Progress
from tui.cli.main import run

HOST = HostStats(prefill_ms=12.5, decode_ms=40.0, first_text_ms=14.0, tokens_per_second=100.0)
WAFER = WaferStats(
    machine="wse3",
    clock_ghz=0.85,
    program="0123abcd",
    cores_used=1200,
    cycles_prefill=90_000,
    cycles_per_token=8_500.0,
    tokens_per_second=100_000.0,
    mac_utilisation=0.04,
    sram_bytes_per_core_max=31_000,
)


@dataclass
class FakeSession:
    """Answers every request with the same text and keeps what it was asked."""

    text: str = "return x\n"
    error: BaseException | None = None
    opened: list[dict[str, Any]] = field(default_factory=list)
    requests: list[Any] = field(default_factory=list)
    read: list[tuple[str, tuple[str, ...]]] = field(default_factory=list)
    edits: list[Any] = field(default_factory=list)
    asks: list[Any] = field(default_factory=list)
    refused: str | None = None
    closed: int = 0
    model: Any = field(default_factory=lambda: SimpleNamespace(name="canned"))

    def open(
        self,
        model: str | None,
        machine: str,
        clock_ghz: float | None,
        *,
        tier: str = "fast",
        speculation: bool = True,
        on_progress: Callable[[Progress], None],
    ) -> "FakeSession":
        self.opened.append(
            {
                "model": model,
                "machine": machine,
                "clock_ghz": clock_ghz,
                "tier": tier,
                "speculation": speculation,
            }
        )
        on_progress(Progress("kernels", 1, 2, "preparing matmul"))
        return self

    def read_repository(self, root: str, private_patterns: tuple[str, ...], near: str = "") -> None:
        self.read.append((root, private_patterns))

    def complete(self, request: Any) -> Any:
        self.requests.append(request)
        if self.error is not None:
            raise self.error
        return engine.Completion(
            text=self.text,
            finish_reason="stop",
            model="canned",
            prompt_tokens=20,
            cached_tokens=4,
            completion_tokens=5,
            host=HOST,
            wafer=WAFER,
            answer=3,
        )

    @property
    def looks(self) -> Any:
        from tui.demo_engine import demo_xray

        return SimpleNamespace(xray=demo_xray)

    def rewrite(self, request: Any) -> Any:
        self.edits.append(request)
        if self.error is not None:
            raise self.error
        return engine.Edit("    return x", self.refused, True, "canned", 90, 6, HOST, WAFER)

    def ask(self, request: Any, *, on_reading: Any = None, on_text: Any = None) -> Any:
        self.asks.append(request)
        if self.error is not None:
            raise self.error
        parts, left_out = (ReadPart("a.py", 1, 3, "open"),), ("b.key is private",)
        if on_reading is not None:
            on_reading(Reading(parts, left_out, 90))
            on_text("It returns")
        text = "It returns **x**."
        return engine.AskReply(
            text, "stop", "", 0, parts, left_out, "canned", 90, 0, 6, HOST, WAFER
        )

    def close(self) -> None:
        self.closed += 1


@dataclass(frozen=True)
class Outcome:
    """What one call of the program left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        value = json.loads(self.out)
        assert isinstance(value, dict)
        return value

    @property
    def line(self) -> str:
        """The one line on stderr."""
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        assert "Traceback" not in self.err
        return lines[0]


@pytest.fixture(autouse=True)
def own_folders(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path_factory.mktemp("spark")
    for name in ("CONFIG", "STATE", "RUNTIME"):
        monkeypatch.setenv(f"SPARK_{name}_DIR", str(folder / name.lower()))
    return folder


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    fake = FakeSession()
    monkeypatch.setitem(vars(engine), "Session", fake)
    monkeypatch.setitem(vars(engine), "open_session", fake.open)
    return fake


@pytest.fixture
def spark(capfdbinary: pytest.CaptureFixture[bytes]) -> Callable[..., Outcome]:
    """Run the program in this process: ``spark("complete", "a.py:1")``."""

    def call(*arguments: object) -> Outcome:
        code = run([str(argument) for argument in arguments])
        out, err = capfdbinary.readouterr()
        return Outcome(code, out.decode(), err.decode())

    return call
