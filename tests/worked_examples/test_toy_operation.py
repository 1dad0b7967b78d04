"""A new operation needs the files that CONTRIBUTING names, and no other.

The operation is compiled into the loops of both tiers, so the change is made in a copy of the
sources, which compiles kernels of its own.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path, PurePosixPath

import pytest

from tests.worked_examples import described_change

ROOT = Path(__file__).parents[2]
PAGE = Path(__file__).with_name("toy_operation.md")
CHANGE = described_change.read(PAGE.read_text(encoding="utf-8"))


def named_in_contributing():
    """The files and folders in the numbered list below "an operation"."""
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    section = text.partition("**an operation**")[2].partition("\n**")[0]
    steps = re.findall(r"^\d+\. (.+)$", section, re.M)
    return [
        PurePosixPath(name) for step in steps for name in re.findall(r"`([\w/]+/[\w.]*)`", step)
    ]


def test_contributing_names_every_file_of_it_in_order():
    named = named_in_contributing()

    assert len(named) == len(CHANGE)
    for path, name in zip(map(PurePosixPath, CHANGE), named, strict=True):
        assert name in (path, *path.parents), (
            f"the example changes {path}, CONTRIBUTING says {name}"
        )


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """The engine and its tests with the change."""
    root = tmp_path_factory.mktemp("with_toy_operation")
    for folder in ("engine", "tests"):
        left_out = shutil.ignore_patterns("__pycache__", "tui")
        shutil.copytree(ROOT / folder, root / folder, ignore=left_out)
    shutil.copy(ROOT / "pyproject.toml", root)
    described_change.apply(CHANGE, root)
    return root


def run_tests(root, *arguments):
    """Run tests of a copy, with a kernel cache of its own; return what they print."""
    own = {"SPARK_CACHE_DIR": str(root / "cache"), "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-x", "-p", "no:cacheprovider", *arguments],
        cwd=root, env={**os.environ, **own}, capture_output=True, text=True, timeout=900,
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_audit_accepts_it(copy):
    assert "passed" in run_tests(copy, "tests/engine/wafer/test_wafer_audit.py")


def test_it_is_the_same_on_all_tiers_and_has_a_price(copy):
    """About a minute: both tiers are compiled anew."""
    assert "5 passed" in run_tests(copy, "tests/engine/wafer/test_layer_amplify.py")


# ── the way the change is written down ──────────────────────────────────────────────────────


def test_a_block_is_refused_where_its_place_is_missing_or_not_one(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\ny = 2\nx = 1\n")
    for place, found in (("z = 3", 0), ("x = 1", 2)):
        page = f"### a.py\n\n```diff\n {place}\n+w = 4\n```\n"
        with pytest.raises(ValueError, match=f"{found} places, not one"):
            described_change.apply(described_change.read(page), tmp_path)


def test_blocks_replace_add_and_make_files(tmp_path):
    (tmp_path / "a.py").write_text("x = 1\ny = 2\nxx = 1\n")
    replaced = "### a.py\n\nWhy.\n\n```diff\n-x = 1\n+x = 3\n y = 2\n```\n"
    added = "```diff\n+first = 0\n x = 3\n```\n"
    new = "### b.py\n\n```python\nz = 4\n```\n"

    described_change.apply(described_change.read(replaced + added + new), tmp_path)

    assert (tmp_path / "a.py").read_text() == "first = 0\nx = 3\ny = 2\nxx = 1\n"
    assert (tmp_path / "b.py").read_text() == "z = 4\n"
