"""Documentation that a program can check: the README's tree, docstrings against signatures,
and every example in a docstring."""

import ast
import doctest
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for top in ("engine", "tui") for path in (ROOT / top).rglob("*.py"))
WITH_EXAMPLES = [path for path in SOURCES if ">>> " in path.read_text(encoding="utf-8")]

_ARGUMENT = re.compile(r"^    \*{0,2}(\w+): ")
_SECTION = re.compile(r"^(\S.*):$")


def script(name: str) -> ModuleType:
    """Return ``scripts/<name>.py`` as a module; scripts are no package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "scripts" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_tree_in_the_readme_is_the_tree_on_the_disk() -> None:
    tree = script("readme_tree")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert readme == tree.replace_tree(readme, tree.render(ROOT)), (
        "run: python scripts/readme_tree.py"
    )


def test_the_keys_in_the_readme_are_bound() -> None:
    from tui.app import SparkApp
    from tui.widgets.editor import Editor

    bound = {
        key.strip()
        for kind in (SparkApp, *Editor.__mro__)
        for binding in getattr(kind, "BINDINGS", ())
        for key in (binding[0] if isinstance(binding, tuple) else binding.key).split(",")
    }
    names = {"→": "right", "esc": "escape"}
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    table = readme.partition("| key |")[2].partition("\n\n")[0]
    listed = [row.split("|")[1].strip() for row in table.splitlines()[2:]]
    for key in ", ".join(name for name in listed if not name.startswith("*")).split(", "):
        parts = [names.get(part, part) for part in key.lower().split("+")]
        assert "+".join(parts) in bound, f"README names {key}, which does nothing"


def test_links_in_the_documents_lead_to_files() -> None:
    for document in ROOT.glob("*.md"):
        text = document.read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", text):
            assert (ROOT / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_module_opens_with_its_job(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    if text.strip() or path.name != "__init__.py":
        assert ast.get_docstring(ast.parse(text)), f"{path} has no docstring"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_documented_arguments_are_the_arguments(path: Path) -> None:
    for name, node, documentation in _documented_functions(path):
        documented = _documented_arguments(documentation)
        if documented:
            taken = _arguments(node)
            unknown = [argument for argument in documented if argument not in taken]
            assert not unknown, f"{path.name}: {name} documents {unknown}, takes {taken}"
            in_order = [argument for argument in taken if argument in documented]
            assert documented == in_order, f"{path.name}: {name} documents in another order"


def _documented_functions(
    path: Path,
) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef, str]]:
    """Yield functions with docstrings; a class's docstring belongs to its ``__init__``."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            if text := ast.get_docstring(node):
                yield node.name, node, text
        elif isinstance(node, ast.ClassDef) and (text := ast.get_docstring(node)):
            for child in node.body:
                if isinstance(child, ast.FunctionDef) and child.name == "__init__":
                    yield node.name, child, text


def _documented_arguments(documentation: str) -> list[str]:
    """Return the names under ``Args:`` of a Google docstring."""
    names: list[str] = []
    inside = False
    for line in documentation.splitlines():
        if section := _SECTION.match(line):
            inside = section[1] == "Args"
        elif inside and (argument := _ARGUMENT.match(line)):
            names.append(argument[1])
    return names


def _arguments(node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[str]:
    """Return the names of a function's arguments in order, without ``self`` and ``cls``."""
    arguments = node.args
    plain = [*arguments.posonlyargs, *arguments.args]
    names = [argument.arg for argument in plain]
    names += [arguments.vararg.arg] if arguments.vararg else []
    names += [argument.arg for argument in arguments.kwonlyargs]
    names += [arguments.kwarg.arg] if arguments.kwarg else []
    return [name for name in names if name not in ("self", "cls")]


@pytest.mark.parametrize("path", WITH_EXAMPLES, ids=lambda path: str(path.relative_to(ROOT)))
def test_examples_give_what_they_say(path: Path) -> None:
    name = path.relative_to(ROOT).with_suffix("").as_posix().replace("/", ".")
    result = doctest.testmod(importlib.import_module(name.removesuffix(".__init__")))
    assert result.failed == 0
    assert result.attempted > 0
