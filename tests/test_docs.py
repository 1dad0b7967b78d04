"""Documentation that a program can check: the tree of folders, the README's length, links and names
in the documents, docstrings against signatures, and every example in a docstring."""

import ast
import doctest
import importlib.util
import re
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import click
import pytest

from tui.cli import main

ROOT = Path(__file__).parents[1]
SOURCES = sorted(path for top in ("engine", "tui") for path in (ROOT / top).rglob("*.py"))
DOCUMENTS = sorted(
    path
    for pattern in ("*.md", "*/**/*.md")
    for path in ROOT.glob(pattern)
    if not path.relative_to(ROOT).parts[0].startswith(".") or ".github" in path.parts
)
WITH_EXAMPLES = [path for path in SOURCES if ">>> " in path.read_text(encoding="utf-8")]

MOST_README_LINES = 150

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


def test_the_tree_of_folders_is_that_on_the_disk() -> None:
    tree = script("folder_tree")
    document = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert document == tree.replace_tree(document, tree.render(ROOT)), (
        "run: python scripts/folder_tree.py"
    )


@pytest.mark.parametrize("document", ["SECURITY.md", "tests/README.md"])
def test_each_test_that_a_promise_names_is_there(document: str) -> None:
    promises = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"(?:tests/[\w/]+/)?test_\w+\.py", promises))
    there = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("test_*.py")}
    there |= {name.rpartition("/")[2] for name in there}
    assert named
    assert named <= there


def test_the_tree_takes_a_folders_line_from_its_package(tmp_path: Path) -> None:
    tree = script("folder_tree")
    long = "Rooms of several kinds: " + "each with a long name, " * 5 + "and more.  Second."
    for place, docstring in {
        "tui": "The app.  More.",
        "engine": "Wraps\nlines: gladly.\n\nMore.",
        "engine/rooms": long,
        "engine/rooms/deep": "Shown; too.",
        "engine/rooms/deep/deeper": "Not shown.",
        "engine/plain": "",
    }.items():
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "__init__.py").write_text(f'"""{docstring}"""\n')
    (tmp_path / "engine" / "data").mkdir()  # no package
    lines = [" ".join(line.split()) for line in tree.render(tmp_path).splitlines()]
    assert lines[:5] == [
        "tui/ The app",
        "engine/ Wraps lines: gladly",
        "plain/",
        "rooms/ Rooms of several kinds",
        "deep/ Shown; too",
    ]
    assert [line.split("/")[0] for line in lines[5:]] == ["weights", "tests", "scripts"]


def test_a_readme_without_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="lacks the marks"):
        script("folder_tree").replace_tree("# no tree\n", "")


def test_the_readme_is_short() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MOST_README_LINES, (
        "what belongs to a package goes to that package's README"
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


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_in_the_documents_lead_to_files(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_into_the_documents_lead_to_headings(path: Path) -> None:
    for target, anchor in re.findall(
        r"\]\(([^)#:]*\.md)#([^)]+)\)", path.read_text(encoding="utf-8")
    ):
        headings = re.findall(r"(?m)^#+ (.+)$", (path.parent / target).read_text(encoding="utf-8"))
        anchors = [re.sub(r"[^\w -]", "", each).lower().replace(" ", "-") for each in headings]
        assert anchor in anchors, f"{path.name} links to {target}#{anchor}"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_source_files_that_a_document_names_are_there(path: Path) -> None:
    """A name is looked for below the document's folder, then from the root."""
    for name in re.findall(r"`([\w/]+\.(?:py|sh|toml|lock))`", path.read_text(encoding="utf-8")):
        beside = list(path.parent.rglob(name))
        assert beside or (ROOT / name).exists(), f"{path.name} names {name}"


def test_every_command_has_a_place_in_the_reference() -> None:
    reference = (ROOT / "tui" / "cli" / "README.md").read_text(encoding="utf-8")
    names = set(_commands(main._group, ()))
    assert names
    missing = [name for name in sorted(names) if not re.search(rf"`?{name}\b", reference)]
    assert not missing


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[str]:
    """Yield the words of every command below ``command``; of the kinds of a question, the kind."""
    if isinstance(command, click.Group):
        with click.Context(command) as context:
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                assert inner is not None
                yield from _commands(inner, (*path, name))
    else:
        yield path[-1] if len(path) > 2 else " ".join(path)


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
