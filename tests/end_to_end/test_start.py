"""Starts as they happen: on a fresh clone, and twice at once."""

import importlib.util
import os
import re
import signal
import sys
from pathlib import Path
from types import ModuleType

import pytest

from engine.protocol.messages import EngineReady, Progress
from tests.end_to_end.driver import Keyboard, WatchedApp

ROOT = Path(__file__).parents[2]


def bench_startup() -> ModuleType:
    """Return ``scripts/bench_startup.py``, which runs the program in a pseudo-terminal."""
    spec = importlib.util.spec_from_file_location(
        "bench_startup", ROOT / "scripts" / "bench_startup.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look themselves up
    spec.loader.exec_module(module)
    return module


async def test_while_kernels_compile_a_bar_says_so_and_editing_works(
    app: WatchedApp, repository: Path, own_folders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_CACHE_DIR", str(own_folders / "cache"))
    file = repository / "json" / "scanner.py"
    async with app.run_test(size=(140, 40)) as pilot:
        keys = Keyboard(pilot, app)
        await keys.until(
            lambda: any(step.stage == "kernels" for step in app.all_heard(Progress)),
            "progress of the kernels",
        )
        await keys.open_in_tree(file)
        await keys.write("# typed")
        await keys.press("ctrl+s")
        await keys.until(lambda: file.read_text().startswith("# typed"), "saved file")
        assert any(re.search(r"\d+ of \d+|\d+/\d+", line) for line in app.said), app.said
        assert not app.all_heard(EngineReady), "the kernels were ready before anything was typed"


def test_two_programs_at_once_share_one_engine(own_folders: Path, tmp_path: Path) -> None:
    bench = bench_startup()
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "TERM": "xterm-256color",
        "COLORTERM": "truecolor",
        "LC_ALL": "C.UTF-8",
    }
    programs = []
    for name in ("one", "two"):
        folder = tmp_path / name
        (folder / ".git").mkdir(parents=True)
        file = folder / "settings.py"
        file.write_text(bench.SOURCE)
        command = [sys.executable, "-m", "tui", f"{file}:9", "--model", "spark-nano"]
        programs.append(bench.Terminal(command, environment, folder))
    try:
        for program in programs:
            program.wait_for(re.compile(bench.MARKER), "its file")
            program.wait_for(bench.READY, "a ready engine")
        assert len(list((own_folders / "runtime").glob("*.sock"))) == 1
        for program in programs:
            program.write(b"\x1b[Fr")
            program.wait_for(bench.ANSWER, "an answer")
    finally:
        for program in programs:
            program.close()
        stop_engines(own_folders / "state")


def stop_engines(state: Path) -> None:
    """End the engine processes that wrote into a log; they would end by themselves in a while."""
    text = (state / "engine.log").read_text()
    for pid in set(re.findall(r" (\d+) INFO engine\.server", text)):
        try:
            os.kill(int(pid), signal.SIGTERM)
        except ProcessLookupError:
            continue
