"""Every widget that runs alone with ``python -m`` does."""

import runpy
import sys
from pathlib import Path
from typing import Any

import pytest
from textual.app import App

import tui.widgets

MODULES = [
    f"tui.widgets.{path.stem}"
    for path in sorted(Path(tui.widgets.__path__[0]).glob("*.py"))
    if '__name__ == "__main__"' in path.read_text(encoding="utf-8")
]


@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
@pytest.mark.parametrize("module", MODULES)
async def test_a_widget_runs_alone(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[App[Any]] = []
    monkeypatch.setattr(App, "run", lambda app: started.append(app))
    monkeypatch.setattr(sys, "argv", [module])
    runpy.run_module(module, run_name="__main__")
    (demo,) = started
    async with demo.run_test(size=(80, 24)) as pilot:
        await pilot.pause(0.3)
        assert "<text" in demo.export_screenshot()
