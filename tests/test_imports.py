"""What an import loads, seen from a fresh process: a static graph cannot prove that a deferred
import defers."""

import re
import subprocess
import sys
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]

HEAVY = ("numpy", "numba", "llvmlite", "tokenizers", "safetensors")
SCREEN = ("textual", "rich")


def loaded_by(statement: str) -> set[str]:
    """Return the top-level modules that are loaded after ``statement``."""
    code = f"{statement}\nimport sys\nprint(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import engine", (*HEAVY, *SCREEN, "tui", "msgspec")),
        ("import engine.protocol.messages", (*HEAVY, *SCREEN, "tui")),
        ("from engine import Completion, CompletionRequest", (*HEAVY, *SCREEN, "tui")),
        ("import engine.client", (*HEAVY, *SCREEN, "tui")),
        ("from engine import EngineClient", (*HEAVY, *SCREEN, "tui")),
        ("from engine import TIERS", (*HEAVY, *SCREEN, "tui", "msgspec")),
        ("from engine import Session", ("numba", "llvmlite", *SCREEN, "tui")),
        ("import engine.server", (*SCREEN, "tui")),
        ("import tui", (*HEAVY, *SCREEN, "engine")),
        ("import tui.cli.main", (*HEAVY, *SCREEN, "engine")),
        ("import tui.cli.open_app", (*HEAVY, *SCREEN)),
        ("import tui.cli.bench", (*HEAVY, *SCREEN)),
        ("import tui.cli.complete", (*HEAVY, *SCREEN)),
        ("import tui.cli.doctor", (*HEAVY, *SCREEN)),
        ("import tui.cli.serve", (*HEAVY, *SCREEN, "starlette", "uvicorn")),
        ("import tui.cli.lsp", (*HEAVY, *SCREEN, "pygls")),
        ("from engine import serve_http", (*HEAVY, *SCREEN, "tui")),
        ("from engine import serve_language", (*HEAVY, *SCREEN, "tui")),
        ("import tui.app", HEAVY),
    ],
)
def test_an_import_stays_light(statement: str, absent: tuple[str, ...]) -> None:
    assert not loaded_by(statement) & set(absent)


def test_asking_for_a_machine_loads_no_compiler() -> None:
    loaded = loaded_by("import engine; engine.machine_facts('wse3', None)")
    assert not loaded & {"numba", "llvmlite", *SCREEN}


NETWORK = ("open_connection", "start_server", "create_connection", "create_server", "AF_INET")
"""What asyncio and the socket module call a connection that leaves the machine."""


LISTENS = ROOT / "engine" / "server" / "http" / "listening.py"
"""Takes connections, for `spark-tui serve`, and makes none."""

KNOCKS = ROOT / "engine" / "ray_cluster.py"
"""Tries the address of a Ray cluster that the person named, and sends nothing itself."""

SOURCES = sorted(
    path
    for top in ("engine", "tui")
    for path in (ROOT / top).rglob("*.py")
    if path not in (LISTENS, KNOCKS)
)


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_of_ours_opens_a_connection(path: Path) -> None:
    """Its socket is a Unix socket; a contract of `lint-imports` forbids network clients."""
    text = path.read_text(encoding="utf-8")
    assert not [name for name in NETWORK if re.search(rf"\b{name}\b", text)]


def test_no_part_of_the_engine_uses_its_front_door() -> None:
    graph = grimp.build_graph("engine", exclude_type_checking_imports=False, cache_dir=None)
    assert not graph.find_modules_that_directly_import("engine")
