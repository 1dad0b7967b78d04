"""A small repository, folders of its own for the app's state, and no cursor that blinks."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.tui.app.fakes import FakeClient, until
from tests.tui.app.file_looks import NO_PANES
from tests.tui.app.searcher import Searcher, Searching
from tui.app import SparkApp
from tui.settings import Settings
from tui.widgets.editor import Editor
from tui.widgets.wafer_pane import WaferPane

GREETING = '''\
"""Say hello."""


def greet(name: str) -> str:
    """Return a greeting."""
    return f"Hello, {name}!"


def main() -> None:
    for name in ("Ada", "Grace"):
        print(greet(name))
'''


@pytest.fixture(autouse=True)
def private_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("SPARK_CONFIG_DIR", "SPARK_STATE_DIR", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))


@pytest.fixture(autouse=True)
def frozen(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing on the screen may depend on the time of day, or on how fast another process is."""
    monkeypatch.setattr("tui.flows.code.problems_flow._REST_SECONDS", 1e6)
    monkeypatch.setattr("tui.flows.files.git_actions._FIRST_SECONDS", 1e6)
    monkeypatch.setattr("tui.flows.files.git_actions._POLL_SECONDS", 1e6)
    monkeypatch.setattr(WaferPane, "DIM_AFTER", 1e6)
    monkeypatch.setattr(Editor, "cursor_blink", False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "demo"
    (root / ".git" / "info").mkdir(parents=True)
    (root / "package" / "inner").mkdir(parents=True)
    (root / "build").mkdir()
    (root / ".gitignore").write_text("build/\n*.log\n")
    (root / "package" / "greeting.py").write_text(GREETING)
    (root / "package" / "inner" / "__init__.py").write_text("")
    (root / "build" / "output.py").write_text("ignored = True\n")
    (root / "debug.log").write_text("ignored\n")
    (root / "notes.md").write_text("# Notes\n\nSome words.\n")
    (root / ".env").write_text("TOKEN=1\n")
    return root


@pytest.fixture
def client() -> FakeClient:
    return FakeClient()


@pytest.fixture
def make_app(repository: Path, client: FakeClient) -> Callable[..., SparkApp]:
    def make(open_file: str | None = None, **options: Any) -> SparkApp:
        options.setdefault("settings", Settings())  # None reads the file
        options.setdefault("make_client", client.listen)
        path = None if open_file is None else Path(open_file)
        return SparkApp(repository, open_file=path, **options)

    return make


@pytest.fixture
def searching(make_app: Callable[..., SparkApp], repository: Path) -> Searching:
    """An app with ``greeting.py`` open, and a person who looks through the repository."""
    (repository / "other.py").write_text("from package.greeting import greet\n\ngreet('x')\n")

    @asynccontextmanager
    async def opened() -> AsyncIterator[Searcher]:
        app = make_app("package/greeting.py", settings=NO_PANES)
        async with app.run_test(size=(100, 24)) as pilot:
            await until(pilot, lambda: app.editor is not None and app.editor.has_focus)
            yield Searcher(app, pilot)

    return opened
