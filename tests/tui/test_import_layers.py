"""The app's layers hold for every import, those for type checkers included.

`lint-imports` checks the same contract without them.
"""

import tomllib
from pathlib import Path

import grimp

ROOT = Path(__file__).parents[2]
CONTRACT = "Layers of the app, outermost first"


def test_no_import_runs_upward_or_sideways() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    (contract,) = [each for each in contracts if each["name"] == CONTRACT]
    layers = [set(layer.split(" | ")) for layer in contract["layers"]]
    graph = grimp.build_graph("tui", exclude_type_checking_imports=False, cache_dir=None)
    wrong = graph.find_illegal_dependencies_for_layers(layers, containers={"tui"})
    assert not wrong, sorted(f"{each.importer} → {each.imported}" for each in wrong)
