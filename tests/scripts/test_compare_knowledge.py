"""`scripts/compare_knowledge.py`: answers of different code are never counted together."""

import json
from pathlib import Path

import pytest

from engine.knowledge.tuning import neutral_tuning, write_user_tuning
from engine.own_sources import own_sources
from scripts.compare_knowledge import (
    ANSWERING,
    ROOT,
    keep_only,
    model_name,
    records,
    stamp_of,
    summaries,
)
from tests.canned import canned_session


def record(stamp: str | None, key: str = "a.py:1", *, right: bool = True) -> dict[str, object]:
    side = {"exact": right, "similar": 1.0, "bits": 2.0}
    plain = {"kind": "line", "key": key, "bytes": 8, "with": side, "without": side}
    return plain if stamp is None else plain | {"stamp": stamp}


def written(path: Path, *found: dict[str, object]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in found), encoding="utf-8")
    return path


def test_answers_of_the_same_code_are_gone_on_with(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", record("new"))
    keep_only(path, "new", renew=False)
    assert list(records(path)) == [record("new")]


@pytest.mark.parametrize("old", [None, "old"])
def test_answers_of_other_code_are_refused_and_stay(tmp_path: Path, old: str | None) -> None:
    path = written(tmp_path / "m.jsonl", record("new"), record(old, "b.py:1"))
    with pytest.raises(SystemExit, match=r"1 answers of other code.*--renew"):
        keep_only(path, "new", renew=False)
    assert len(list(records(path))) == 2


def test_they_are_dropped_where_that_is_asked_for(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", record("old"), record("new", "b.py:1"))
    keep_only(path, "new", renew=True)
    assert list(records(path)) == [record("new", "b.py:1")]
    assert [file.name for file in tmp_path.iterdir()] == ["m.jsonl"]


def test_no_records_are_no_other_code(tmp_path: Path) -> None:
    keep_only(tmp_path / "none.jsonl", "new", renew=False)
    assert not list(tmp_path.iterdir())


def test_a_report_names_the_code_of_its_answers(tmp_path: Path) -> None:
    path = written(tmp_path / "m.jsonl", record("new"), record(None, "b.py:1"))
    assert summaries(path)["line"]["stamps"] == ["new", "none"]


def test_a_stamp_changes_with_the_numbers_that_weigh_the_repository(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path))
    session = canned_session("x")
    before = stamp_of(session)
    assert before == stamp_of(session)
    write_user_tuning(session.model.name, neutral_tuning())
    assert stamp_of(session) != before


def test_a_stamp_covers_what_completes() -> None:
    """However deep in folders it lies."""
    covered = set(own_sources(ANSWERING))

    for package in ("completion", "generation", "knowledge", "repository"):
        assert set((ROOT / "engine" / package).rglob("*.py")) <= covered, package


@pytest.mark.parametrize("given", ["coder-0.5b", "models/coder-0.5b.gguf"])
def test_a_model_has_one_name_however_it_is_given(given: str) -> None:
    assert model_name(given) == "coder-0.5b"
