import ast

import pytest

from engine.quality.imported_names import imports_of, names_from_other_files

PATHS = frozenset(
    {
        "pkg/__init__.py",
        "pkg/a.py",
        "pkg/b.py",
        "pkg/sub/__init__.py",
        "pkg/sub/c.py",
        "src/lone.py",
        "lib/other.py",
        "top.py",
    }
)


def names(imports: str, path: str = "pkg/a.py", repository: str = "work") -> set[str]:
    return set(names_from_other_files(ast.parse(imports), path, repository, PATHS))


@pytest.mark.parametrize(
    ("imports", "expected"),
    [
        ("from pkg.b import x", {"x"}),
        ("from pkg.b import x as y", {"y"}),
        ("from pkg import b", {"b"}),
        ("from pkg import name_in_init", {"name_in_init"}),
        ("from .b import x", {"x"}),
        ("from . import b", {"b"}),
        ("from .sub.c import x", {"x"}),
        ("from .sub import c, d", {"c", "d"}),
        ("import pkg.b", {"pkg"}),
        ("import pkg.b as other", {"other"}),
        ("import top", {"top"}),
        ("from lone import x", {"x"}),
        ("from other import x", {"x"}),
        # not from another file of the repository
        ("import os, numpy.linalg", set()),
        ("from pkg.a import x", set()),
        ("from .a import x", set()),
        ("from pkg.b import *", set()),
        ("from .missing import x", set()),
        ("import pkg.missing", set()),
        ("from ...outside import x", set()),
    ],
)
def test_names_are_those_of_other_files(imports: str, expected: set[str]):
    assert names(imports) == expected


def test_relative_imports_start_at_the_folder_of_the_file():
    assert names("from ..b import x", "pkg/sub/c.py") == {"x"}
    assert names("from ..b import x", "pkg/a.py") == set()


def test_the_root_may_itself_be_the_package():
    assert names("from work.top import x", repository="work") == {"x"}
    assert names("from work.top import x", repository="elsewhere") == set()


def test_imports_inside_functions_count():
    assert names("def f():\n    from pkg.b import x\n") == {"x"}


def test_an_import_tells_the_file_and_the_name_in_it():
    imports = "from .b import x as y\nfrom . import b\nimport pkg.sub.c\nfrom pkg import z\n"
    assert list(imports_of(ast.parse(imports), "pkg/a.py", "work", PATHS)) == [
        ("y", "x", "pkg/b.py"),
        ("b", "", "pkg/b.py"),
        ("pkg", "", "pkg/sub/c.py"),
        ("z", "z", "pkg/__init__.py"),
    ]
