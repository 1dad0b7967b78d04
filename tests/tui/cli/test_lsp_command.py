"""`spark-tui lsp`: what it hands on."""

from collections.abc import Callable
from typing import Any

import pytest

import engine
from tui.cli import extras

Spark = Callable[..., Any]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The options of each server that would have been started."""
    found: list[Any] = []
    monkeypatch.setattr(engine, "serve_language", lambda dispatcher, options: found.append(options))
    return found


def test_it_says_nothing_and_takes_the_settings(spark: Spark, served: list[Any]) -> None:
    outcome = spark("lsp")
    assert (outcome.code, outcome.out, outcome.err) == (0, "", "")
    assert served == [engine.LanguageOptions(True, (), 64)]


def test_the_repository_can_be_left_out(spark: Spark, served: list[Any]) -> None:
    assert spark("lsp", "--no-repository", "--max-tokens", 9).code == 0
    assert served == [engine.LanguageOptions(False, (), 9)]


def test_missing_packages_are_named(
    spark: Spark, served: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(extras, "find_spec", lambda name: None)
    outcome = spark("lsp")
    assert (outcome.code, served) == (2, [])
    assert "pygls" in outcome.line
