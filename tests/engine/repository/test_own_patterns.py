"""What a person writes as a private pattern protects what they meant, or is refused."""

import os
from pathlib import Path
from time import perf_counter

import pytest

from engine.repository.own_patterns import own_match, why_refused
from engine.repository.privacy import is_secret
from tui.settings import parse_settings

HOME = "/home/ada"


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", HOME)


FOLDER = (
    "private",
    "private/",
    "./private/",
    "private/**",
    "private/*",
    "/private/",
    "**/private/",
)


@pytest.mark.parametrize(
    "pattern",
    [*FOLDER, " private/ ", "private/ ", "private ", "PRIVATE", "private//", "private\\", "priv*/"],
)
def test_all_ways_to_name_a_folder_protect_what_is_in_it(pattern: str) -> None:
    for path in ("private/a.py", "x/private/deep/er/b.py", f"{HOME}/work/Private/c.py"):
        assert is_secret(path, [pattern]) == pattern
    for path in ("privately/a.py", "x/a.py", "my-private/a.py"):
        assert is_secret(path, [pattern]) != pattern or pattern == "priv*/"


@pytest.mark.parametrize(
    ("pattern", "private", "public"),
    [
        ("private", "x/private", "x/private.py"),
        ("private/", "private/x", "private"),
        ("*.dump", "a/b.dump", "dump.py"),
        ("*.dump ", "a/b.dump", "b.dumps"),
        ("a/b.txt", "x/a/b.txt", "a/x/b.txt"),
        ("./a/b.txt", "a/b.txt", "b.txt"),
        ("a/**/b", "x/a/1/2/b", "b/a"),
        ("a/**/b", "a/b", "a/1/c"),
        ("**/notes.md", "notes.md", "notes.txt"),
        ("notes/**/*.md", "notes/x/y.md", "notes/y.txt"),
        ("~/x", f"{HOME}/x/y.py", "/home/bob/x/y.py"),
        ("~/x", f"{HOME}/x", f"{HOME}/work/x"),
        ("~/x/", f"{HOME}/x/y", f"{HOME}/x"),
        ("~/*.key2", f"{HOME}/a.key2", f"{HOME}/sub/a.key2"),
        ("/srv/data", "/srv/data/1.py", "/srv/1.py"),
        ("ÜBUNG", "x/übung/1.py", "ubung"),
        ("?a", "üa", "a"),
        ("[ab].txt", "b.txt", "c.txt"),
    ],
)
def test_a_pattern_protects_what_it_says(pattern: str, private: str, public: str) -> None:
    assert why_refused(pattern) is None
    assert is_secret(private, [pattern]) == pattern
    assert is_secret(public, [pattern]) is None


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("", "it names nothing"),
        ("  ", "it names nothing"),
        ("./", "it names nothing"),
        ("\\", "it names nothing"),
        ("!public", "there is nothing to take back: all patterns protect"),
        ("../x", "write the path without `..`"),
        ("a\\..\\x", "write the path without `..`"),
        ("~nobody-of-that-name/x", "~ is followed by no known user"),
        ("x" * 1_001, "it has more than 1000 characters, or a NUL"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_reason(pattern: str, reason: str) -> None:
    assert why_refused(pattern) == reason
    assert is_secret("any.py", [pattern]) == pattern  # nobody knows what it protects
    text = f"[privacy]\nextra_patterns = ['*.dump', '{pattern}']\n"
    loaded = parse_settings(text)
    assert loaded.settings.privacy.extra_patterns == ("*.dump",)
    assert loaded.problems[0].endswith(f"protects nothing: {reason}")
    assert not loaded.privacy_known


@pytest.mark.parametrize(
    "pattern", ["*a" * 400 + "b", "**/" * 300 + "b", "[!b]*" * 190 + "b"], ids=len
)
def test_no_pattern_takes_long(pattern: str) -> None:
    path = "/".join(["a" * 200] * 15)
    began = perf_counter()
    assert is_secret(path, [pattern]) is None
    assert perf_counter() - began < 2


def test_the_patterns_are_those_of_a_path_object_too() -> None:
    assert is_secret(Path(HOME, "x", "y"), ["~/x"]) == "~/x"
    assert os.path.expanduser("~") == HOME


def test_a_deep_path_costs_no_more_than_its_parts_times_the_patterns() -> None:
    """Each part of a pattern is held against each part of a path once, not from every place on."""
    counted = Counted(["a"] * 500)
    assert not own_match(counted, "**/a/" * 190 + "x")
    assert counted.looks < 200 * 500


class Counted(list):
    """Parts that count how often they are looked at."""

    looks = 0

    def __getitem__(self, index):
        self.looks += 1
        return super().__getitem__(index)
