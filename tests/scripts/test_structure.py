"""`scripts/structure.py`: its figures on small trees, and those of this tree that stay zero."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[2]
CONTRACTS = """
[[tool.importlinter.contracts]]
type = "forbidden"
[[tool.importlinter.contracts]]
type = "layers"
layers = ["engine.top", "engine.left | engine.right", "engine.low : engine.lower"]
[[tool.importlinter.contracts]]
type = "layers"
containers = ["tui"]
layers = ["app", "(parts)"]
"""


@pytest.fixture(scope="module")
def structure() -> ModuleType:
    spec = importlib.util.spec_from_file_location("structure", ROOT / "scripts" / "structure.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["structure"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def here(structure: ModuleType) -> dict[str, object]:
    """The figures of this checkout."""
    return structure.measure(ROOT)


def tree(root: Path, files: dict[str, str]) -> Path:
    """Write modules by their paths, two empty packages and the layers above."""
    (root / "pyproject.toml").write_text(CONTRACTS)
    for package in ("engine", "tui"):
        (root / package).mkdir(exist_ok=True)
        (root / package / "__init__.py").write_text("")
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def up(structure: ModuleType, root: Path) -> list[str]:
    return [row.partition(" →")[0] for row in structure.measure(root)["upward_imports"]]


NESTED = "def f():\n    {}\n"
TYPES = "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    {}\n"


@pytest.mark.parametrize("when", ["{}\n", NESTED, TYPES])
@pytest.mark.parametrize(
    "statement", ["import engine.top", "from engine import top", "from engine.top import x"]
)
def test_an_import_upward_is_found_wherever_it_stands(
    structure: ModuleType, tmp_path: Path, when: str, statement: str
) -> None:
    tree(tmp_path, {"engine/top.py": "def g(): pass\n", "engine/low.py": when.format(statement)})
    line = when[: when.index("{}")].count("\n") + 1
    assert up(structure, tmp_path) == [f"engine/low.py:{line}"]


@pytest.mark.parametrize(
    ("source", "target", "found"),
    [
        ("top", "low", False),
        ("left", "right", True),
        ("low", "lower", False),
        ("beside", "top", False),  # in no layer
    ],
)
def test_neighbours_are_as_their_separator_says(
    structure: ModuleType, tmp_path: Path, source: str, target: str, found: bool
) -> None:
    modules = {"engine/top.py": "def g(): pass\n", f"engine/{target}.py": ""}
    tree(tmp_path, modules | {f"engine/{source}.py": f"def f():\n    import engine.{target}\n"})
    assert bool(up(structure, tmp_path)) is found


def test_the_front_door_lies_above_all_layers(structure: ModuleType, tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "engine/low.py": "from engine import version\nfrom engine import Session\n",
            "engine/version.py": "",
        },
    )
    assert up(structure, tmp_path) == ["engine/low.py:2"]


def test_layers_may_be_named_within_a_container(structure: ModuleType, tmp_path: Path) -> None:
    tree(tmp_path, {"tui/app.py": "import tui.parts\n", "tui/parts.py": "import tui.app\n"})
    tree(tmp_path, {"engine/app.py": "def f(): pass\n", "engine/parts.py": "import engine.app\n"})
    assert up(structure, tmp_path) == ["tui/parts.py:1"]


def test_relative_imports_lead_where_they_lead(structure: ModuleType, tmp_path: Path) -> None:
    tree(tmp_path, {"engine/top/inner.py": "", "engine/low/deep.py": "from ..top import inner\n"})
    tree(
        tmp_path, {"engine/low/__init__.py": "from . import deep\n", "tui/x.py": "def f(): pass\n"}
    )
    assert up(structure, tmp_path) == ["engine/low/deep.py:1"]


def test_cycles_with_and_without_deferred_imports(structure: ModuleType, tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "tui/a.py": "import tui.b\n",
            "tui/b.py": "import tui.c\n",
            "tui/c.py": "def f():\n    import tui.a\n",
            "tui/d.py": "import tui.a\n",
            "tui/e.py": "import tui.g\n",
            "tui/g.py": "import tui.e\n",
        },
    )
    figures = structure.measure(tmp_path)
    assert figures["cycles_at_module_scope"] == [["tui.e", "tui.g"]]
    assert figures["cycles_with_deferred"] == [["tui.a", "tui.b", "tui.c"], ["tui.e", "tui.g"]]


def test_functions_are_measured_and_kernels_may_take_more(
    structure: ModuleType, tmp_path: Path
) -> None:
    nine = "a, b, c, d, e, *f, g, h, **i"
    tree(
        tmp_path,
        {
            "engine/low.py": (
                "import click\nfrom engine.jit import kernel\nfrom numba import njit\n"
                f"@kernel\ndef k({nine}): pass\n"
                f"@njit(cache=True)\ndef n({nine}): pass\n"
                f"@click.command()\ndef c({nine}): pass\n"
                f"def typed(typing_context, {nine}): pass\n"
                f"@other\ndef plain({nine}):\n    x = 1\n    return x\n"
                "class A:\n    def f(self, a, b, c, d, e, f, g, h): pass\n"
            ),
            "engine/jit.py": "",
        },
    )
    figures = structure.measure(tmp_path)
    assert figures["many_parameters"] == [{"function": "engine/low.py:12 plain", "parameters": 9}]
    assert figures["many_parameters_exempt"] == 4
    assert (figures["functions"], figures["function_lines_median"]) == (6, 1)
    assert figures["function_lines_p90"] > 1


def test_names_used_twice(structure: ModuleType, tmp_path: Path) -> None:
    wafer = {f"engine/wafer/{room}/chip.py": "" for room in ("fast", "fabric")}
    classes = "class Line: pass\nclass _Own: pass\ndef f():\n    class Inner: pass\n"
    tree(tmp_path, {"engine/a.py": classes, "tui/b.py": classes, "tui/chip.py": ""} | wafer)
    figures = structure.measure(tmp_path)
    assert figures["duplicate_classes"] == {"Line": ["engine/a.py", "tui/b.py"]}
    assert figures["duplicate_stems_in_wafer"] == {
        "chip": ["engine/wafer/fabric/chip.py", "engine/wafer/fast/chip.py"]
    }


def test_lines_of_tests_for_a_line_of_source(structure: ModuleType, tmp_path: Path) -> None:
    tree(
        tmp_path,
        {
            "engine/loose.py": "def f():\n    return 1\n",
            "engine/room/__init__.py": "",
            "engine/room/work.py": "x = 1\n" * 10,
            "tests/engine/test_loose.py": "y = 1\n",
            "tests/engine/room/test_work.py": "y = 1\n" * 5,
        },
    )
    rows = structure.measure(tmp_path)["tests"]
    assert rows["engine/room"] == {"test_lines": 5, "source_lines": 10, "ratio": 0.5}
    assert rows["engine/*"] == {"test_lines": 1, "source_lines": 2, "ratio": 0.5}
    assert rows["engine/"]["test_lines"] == 6


def test_json_is_one_object_and_the_table_names_every_figure(
    structure: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tree(tmp_path, {"engine/low.py": "def f():\n    import engine\n"})
    assert structure.main(["--tree", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["modules"] == 3
    assert structure.main(["--tree", str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert "engine/low.py:2 → engine (deferred)" in out
    assert "import cycles at module scope:\n  none" in out


def test_a_folder_that_is_no_checkout_is_refused(
    structure: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert structure.main(["--tree", str(tmp_path)]) == 2
    assert "holds no pyproject.toml" in capsys.readouterr().err


@pytest.mark.parametrize(
    "figure",
    [
        "cycles_at_module_scope",
        "cycles_with_deferred",
        "upward_imports",
        "duplicate_classes",
        "duplicate_stems_in_wafer",
    ],
)
def test_this_tree_has_none_of_these(here: dict[str, object], figure: str) -> None:
    assert not here[figure]
