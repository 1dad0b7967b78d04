"""Measure the shape of the code: sizes, imports that break the layers, names used twice, tests.

``python scripts/structure.py [--json] [--tree PATH]`` reads the packages `engine` and `tui` of a
checkout with `ast` and runs none of it.  It only measures; the contracts that a
change must keep are in pyproject.toml, and `tests/scripts/test_structure.py` holds the figures
that must stay zero.  An import by a name in a string is not seen.  Standard library only.
"""

import argparse
import ast
import json
import math
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("engine", "tui")
WAFER = "engine.wafer"
MOST_PARAMETERS = 8
LARGEST_SHOWN = 10

AT_IMPORT, IN_FUNCTION, FOR_TYPES = "module", "deferred", "typing"
"""When an import runs: with its module, when a function is called, never (type checkers only)."""


@dataclass(frozen=True, slots=True)
class Import:
    """One import between two modules of the tree."""

    source: str
    target: str
    line: int
    when: str
    """`AT_IMPORT`, `IN_FUNCTION` or `FOR_TYPES`."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function or method; its lines include its docstring, not its decorators."""

    name: str
    line: int
    lines: int
    parameters: int
    """Without ``self`` and ``cls``."""
    exempt: str
    """Why it may take many parameters: ``compiled``, ``command`` or an empty string."""


@dataclass(slots=True)
class Module:
    """One source file, read."""

    name: str
    path: str
    lines: int
    tree: ast.Module
    functions: list[Function] = field(default_factory=list)
    classes: list[str] = field(default_factory=list)
    """Public classes at module scope."""
    imports: list[Import] = field(default_factory=list)


def read(root: Path) -> dict[str, Module]:
    """Return the modules of the packages under ``root`` by their dotted names."""
    modules = {}
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            text = path.read_text(encoding="utf-8")
            place = path.relative_to(root)
            name = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
            modules[name] = Module(name, place.as_posix(), text.count("\n"), ast.parse(text))
    for module in modules.values():
        module.functions = list(_functions(module))
        module.classes = [
            node.name
            for node in module.tree.body
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_")
        ]
        module.imports = list(_imports(module, modules))
    return modules


def _functions(module: Module) -> Iterator[Function]:
    """Yield every function of a module, nested ones too."""
    origins = _origins(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            given = node.args
            names = [one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs)]
            names += [one.arg for one in (given.vararg, given.kwarg) if one is not None]
            yield Function(
                name=node.name,
                line=node.lineno,
                lines=(node.end_lineno or node.lineno) - node.lineno + 1,
                parameters=sum(name not in ("self", "cls") for name in names),
                exempt=_exempt(node, origins),
            )


def _origins(tree: ast.Module) -> dict[str, str]:
    """Return the module that each imported name comes from."""
    found = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            found |= {alias.asname or alias.name: node.module or "" for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {alias.asname or alias.name: alias.name for alias in node.names}
    return found


def _exempt(node: ast.FunctionDef | ast.AsyncFunctionDef, origins: dict[str, str]) -> str:
    """Return why a function may take many parameters, by where its decorators come from."""
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        first = ast.unparse(called).partition(".")[0]
        origin = origins.get(first, "")
        if origin.startswith("numba") or ".jit" in origin:
            return "compiled"
        if origin == "click" or ast.unparse(called).endswith(".command"):
            return "command"
    if any(one.arg == "typing_context" for one in node.args.args):
        return "compiled"  # numba types calls of an intrinsic by the names of its parameters
    return ""


def _imports(module: Module, known: Iterable[str]) -> Iterator[Import]:
    """Yield the imports of a module that lead to other modules of the tree."""
    package = module.name if module.path.endswith("__init__.py") else module.name.rpartition(".")[0]
    for node, when in _import_statements(module.tree, AT_IMPORT):
        for target in _targets(node, package, known):
            if target != module.name:
                yield Import(module.name, target, node.lineno, when)


def _import_statements(
    node: ast.AST, when: str
) -> Iterator[tuple[ast.Import | ast.ImportFrom, str]]:
    """Yield every import statement below ``node`` with the time at which it runs."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.Import, ast.ImportFrom)):
            yield child, when
        elif isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield from _import_statements(child, FOR_TYPES if when == FOR_TYPES else IN_FUNCTION)
        elif isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
            yield from _import_statements(ast.Module(child.body, []), FOR_TYPES)
            yield from _import_statements(ast.Module(child.orelse, []), when)
        else:
            yield from _import_statements(child, when)


def _targets(
    node: ast.Import | ast.ImportFrom, package: str, known: Iterable[str]
) -> Iterator[str]:
    """Yield the modules of the tree that one statement imports, submodules before packages."""
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names if alias.name in known)
        return
    origin = node.module or ""
    if node.level:
        above = package.split(".")[: len(package.split(".")) - node.level + 1]
        origin = ".".join([*above, *([origin] if origin else [])])
    found = set()
    for alias in node.names:
        inner = f"{origin}.{alias.name}"
        found.add(inner if inner in known else origin)
    yield from sorted(name for name in found if name in known)


def cycles(modules: dict[str, Module], *, deferred: bool) -> list[list[str]]:
    """Return the groups of modules that import one another in a circle, each sorted.

    Args:
        modules: All of them.
        deferred: Also follow imports inside functions and those for type checkers.
    """
    edges = {
        name: sorted({i.target for i in module.imports if deferred or i.when == AT_IMPORT})
        for name, module in modules.items()
    }
    reached = {name: _reach(name, edges) for name in edges}
    groups = {
        tuple(sorted(other for other in reached[name] if name in reached[other]))
        for name in edges
        if name in reached[name]
    }
    return [list(group) for group in sorted(groups)]


def _reach(start: str, edges: dict[str, list[str]]) -> set[str]:
    """Return the modules that ``start`` leads to; itself only where a way leads back."""
    found: set[str] = set()
    ahead = list(edges[start])
    while ahead:
        name = ahead.pop()
        if name not in found:
            found.add(name)
            ahead += edges[name]
    return found


def upward(modules: dict[str, Module], settings: dict[str, Any]) -> list[Import]:
    """Return imports that run against a list of layers in pyproject.toml, whenever they run.

    Three kinds count: from a layer to one above it, between neighbours that ``|`` separates, and
    from inside a layered package to the package itself, whose front door lies above all layers.

    Args:
        modules: All of them.
        settings: pyproject.toml, parsed.
    """
    found: dict[Import, None] = {}
    for contract in settings["tool"]["importlinter"]["contracts"]:
        if contract["type"] == "layers":
            for container in contract.get("containers", [""]):
                ranks = _ranks(contract["layers"], container)
                parent = next(iter(ranks)).rpartition(".")[0]
                for module in modules.values():
                    found |= {one: None for one in module.imports if _runs_up(one, ranks, parent)}
    return list(found)


def _ranks(layers: list[str], container: str) -> dict[str, tuple[int, int]]:
    """Return each listed module's layer, outermost 0, and its number among exclusive neighbours."""
    ranks = {}
    for depth, layer in enumerate(layers):
        exclusive = "|" in layer
        for number, name in enumerate(layer.replace("|", ":").split(":")):
            full = f"{container}.{name.strip(' ()')}".lstrip(".")
            ranks[full] = (depth, number if exclusive else 0)
    return ranks


def _runs_up(one: Import, ranks: dict[str, tuple[int, int]], parent: str) -> bool:
    """Return whether an import breaks the order of layers that ``ranks`` states."""
    if one.target == parent:
        return one.source.startswith(f"{parent}.")
    source, target = _layer_of(one.source, ranks), _layer_of(one.target, ranks)
    if source is None or target is None or source == target:
        return False
    (depth, number), (target_depth, target_number) = ranks[source], ranks[target]
    return target_depth < depth or (target_depth == depth and target_number != number)


def _layer_of(name: str, ranks: Iterable[str]) -> str | None:
    """Return the listed module that ``name`` is or lies in."""
    return next((each for each in ranks if name == each or name.startswith(f"{each}.")), None)


def repeated(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Return the keys that occur more than once, with the places of each."""
    places = defaultdict(list)
    for key, place in pairs:
        places[key].append(place)
    return {key: found for key, found in sorted(places.items()) if len(found) > 1}


def tests_per_source(root: Path) -> dict[str, dict[str, float]]:
    """Return the lines of tests and of source of each package, and their quotient.

    A row ``engine/`` counts everything in the package, ``engine/*`` what lies in none of its
    subpackages.  The tests of ``engine/x`` are those in ``tests/engine/x``.
    """
    rows = {}
    for package in (*PACKAGES, WAFER.replace(".", "/")):
        inner = sorted(path.parent.name for path in (root / package).glob("*/__init__.py"))
        beside = sorted(path.name for path in (root / "tests" / package).glob("*"))
        loose = [f"tests/{package}/{name}" for name in beside if name not in inner]
        files = [path.relative_to(root).as_posix() for path in (root / package).glob("*.py")]
        rows[f"{package}/"] = _ratio(root, [f"tests/{package}"], [package])
        rows[f"{package}/*"] = _ratio(root, loose, files)
        for name in inner:
            place = f"{package}/{name}"
            rows.setdefault(place, _ratio(root, [f"tests/{place}"], [place]))
    rows["all"] = _ratio(root, ["tests"], list(PACKAGES))
    return rows


def _ratio(root: Path, tests: list[str], source: list[str]) -> dict[str, float]:
    """Return the lines on both sides and their quotient."""
    test_lines, source_lines = _count(root, tests), _count(root, source)
    ratio = round(test_lines / source_lines, 2) if source_lines else 0.0
    return {"test_lines": test_lines, "source_lines": source_lines, "ratio": ratio}


def _count(root: Path, places: list[str]) -> int:
    """Return the lines of the Python files at ``places``, files or folders."""
    files = {
        path
        for place in places
        for path in ((root / place).rglob("*.py") if (root / place).is_dir() else [root / place])
        if path.suffix == ".py" and path.exists()
    }
    return sum(path.read_text(encoding="utf-8").count("\n") for path in files)


def _within(lengths: list[int], share: float) -> int:
    """Return the length that ``share`` of the sorted ``lengths`` do not exceed; 0 if none."""
    return lengths[math.ceil(share * len(lengths)) - 1] if lengths else 0


def measure(root: Path) -> dict[str, Any]:
    """Return all figures of the checkout at ``root``, ready for JSON."""
    modules = read(root)
    settings = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))
    functions = [(module, one) for module in modules.values() for one in module.functions]
    lengths = sorted(one.lines for _, one in functions)
    largest = sorted(modules.values(), key=lambda module: (-module.lines, module.path))
    stems = (
        (name.rpartition(".")[2], module.path)
        for name, module in modules.items()
        if name.startswith(f"{WAFER}.") and not module.path.endswith(("__init__.py", "__main__.py"))
    )
    return {
        "modules": len(modules),
        "lines": sum(module.lines for module in modules.values()),
        "functions": len(functions),
        "function_lines_median": _within(lengths, 0.5),
        "function_lines_p90": _within(lengths, 0.9),
        "largest_files": {module.path: module.lines for module in largest[:LARGEST_SHOWN]},
        "files_over_450_lines": sum(module.lines > 450 for module in largest),
        "many_parameters": [
            {"function": f"{module.path}:{one.line} {one.name}", "parameters": one.parameters}
            for module, one in functions
            if one.parameters > MOST_PARAMETERS and not one.exempt
        ],
        "many_parameters_exempt": sum(
            one.parameters > MOST_PARAMETERS and bool(one.exempt) for _, one in functions
        ),
        "cycles_at_module_scope": cycles(modules, deferred=False),
        "cycles_with_deferred": cycles(modules, deferred=True),
        "upward_imports": [
            f"{modules[one.source].path}:{one.line} → {one.target} ({one.when})"
            for one in upward(modules, settings)
        ],
        "duplicate_classes": repeated(
            (name, module.path) for module in modules.values() for name in module.classes
        ),
        "duplicate_stems_in_wafer": repeated(stems),
        "tests": tests_per_source(root),
    }


def table(figures: dict[str, Any]) -> str:
    """Return the figures for a person."""
    lines = [
        f"{figures['modules']} modules, {figures['lines']:,} lines",
        f"{figures['functions']:,} functions, median {figures['function_lines_median']} lines,"
        f" 90 % at most {figures['function_lines_p90']}",
        *_section(
            f"largest files ({figures['files_over_450_lines']} over 450 lines)",
            [f"{count:5}  {path}" for path, count in figures["largest_files"].items()],
        ),
        *_section(
            f"functions with more than {MOST_PARAMETERS} parameters"
            f" (and {figures['many_parameters_exempt']} compiled ones or commands)",
            [f"{one['parameters']:5}  {one['function']}" for one in figures["many_parameters"]],
        ),
        *_section(
            "import cycles at module scope", map(", ".join, figures["cycles_at_module_scope"])
        ),
        *_section(
            "import cycles, deferred and type-checking imports included",
            map(", ".join, figures["cycles_with_deferred"]),
        ),
        *_section("upward imports", figures["upward_imports"]),
        *_section("public classes of one name", _places(figures["duplicate_classes"])),
        *_section("file names twice in the wafer", _places(figures["duplicate_stems_in_wafer"])),
        *_section(
            "lines of tests for a line of source",
            [
                f"{row['ratio']:6.2f}  {row['test_lines']:6,} ÷ {row['source_lines']:6,}  {name}"
                for name, row in figures["tests"].items()
            ],
        ),
    ]
    return "\n".join(lines)


def _section(title: str, rows: Iterable[str]) -> list[str]:
    """Return a heading and its indented rows, ``none`` where there are none."""
    return ["", f"{title}:", *(f"  {row}" for row in list(rows) or ["none"])]


def _places(repeats: dict[str, list[str]]) -> list[str]:
    """Return a line for every repeated name."""
    return [f"{name}: {', '.join(places)}" for name, places in repeats.items()]


def main(arguments: list[str] | None = None) -> int:
    """Print the figures of one checkout."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tree", type=Path, default=ROOT, help="another checkout to measure")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    options = parser.parse_args(arguments)
    if not (options.tree / "pyproject.toml").is_file():
        print(f"structure: {options.tree} holds no pyproject.toml", file=sys.stderr)
        return 2
    figures = measure(options.tree)
    print(json.dumps(figures, ensure_ascii=False) if options.json else table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
