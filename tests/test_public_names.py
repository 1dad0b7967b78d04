"""The front door: `engine.__all__` is complete, and every name leads somewhere."""

import ast
import importlib
import inspect
from pathlib import Path

import pytest

import engine

ROOT = Path(__file__).parents[1]
MODULES = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__")
    for top in ("engine", "tui")
    for path in (ROOT / top).rglob("*.py")
    if path.name != "__main__.py"
)


def test_all_equals_the_lazy_table() -> None:
    assert len(set(engine.__all__)) == len(engine.__all__)
    assert set(engine.__all__) == set(engine._HOME)


def test_names_for_type_checkers_are_the_names_at_run_time() -> None:
    tree = ast.parse((ROOT / "engine" / "__init__.py").read_text(encoding="utf-8"))
    typed = {
        alias.asname or alias.name: f"{node.module}:{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("engine.")
        if node.module != "engine.version"
        for alias in node.names
    }
    assert typed == engine._HOME


@pytest.mark.parametrize("name", engine.__all__)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    value = getattr(engine, name)
    module, _, attribute = engine._HOME[name].partition(":")
    assert value is getattr(importlib.import_module(module), attribute)
    assert inspect.getdoc(value), f"engine.{name} has no docstring"


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_name"):
        _ = engine.no_such_name  # type: ignore[attr-defined]


@pytest.mark.parametrize("module", MODULES)
def test_what_a_module_declares_public_exists_in_it(module: str) -> None:
    path = ROOT / Path(*module.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    tree = ast.parse(file.read_text(encoding="utf-8"))
    declared = [
        element.value
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
        if isinstance(node.value, ast.List)
        for element in node.value.elts
        if isinstance(element, ast.Constant) and isinstance(element.value, str)
    ]
    if module != "engine":
        assert set(declared) <= _defined(tree), module


def _defined(tree: ast.Module) -> set[str]:
    """Return the names that a module's top level binds, conditions and imports included."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update(alias.asname or alias.name for alias in node.names)
    return names
