"""Verifying and removing."""

import pytest

from engine.errors import StoreError
from engine.model_store import installed, note_speed, pull, remove, speed_of, verify
from engine.model_store.killed import note_killed, was_killed
from engine.model_store.shelf import model_file, note_file, work_folder
from tests.engine.model_store.conftest import DATA


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.gguf"
    path.write_bytes(DATA)
    return str(path)


def states(name=None) -> dict[str, str]:
    return {file.path.name: file.state for file in verify(name)}


def test_a_pinned_digest_and_one_that_was_noted(own) -> None:
    pull("demo", source=own)
    pull("mine", source=own)
    assert states("demo") == {"demo.gguf": "right"}
    assert states("mine") == {"mine.gguf": "right"}
    for name in ("demo", "mine"):
        model_file(name).write_bytes(DATA[:-1] + b"x")
    assert states("demo") == {"demo.gguf": "wrong"}
    assert states("mine") == {"mine.gguf": "wrong"}


def test_what_was_put_there_by_hand_is_unknown(store) -> None:
    store.mkdir()
    (store / "by-hand.gguf").write_bytes(DATA)
    (store / "broken.gguf").write_bytes(DATA)
    (store / "broken.json").write_text("{")
    assert states("by-hand") == {"by-hand.gguf": "unknown"}
    assert states("broken") == {"broken.gguf": "unknown"}


def test_all_of_them_are_the_fetched_and_the_bundled(own) -> None:
    pull("demo", source=own)
    seen = []
    found = verify(on_file=lambda name, done, size: seen.append((name, done == size)))
    assert {file.name for file in found} == {"demo", "spark-nano"}
    assert all(file.state == "right" for file in found)
    assert ("demo", True) in seen
    with pytest.raises(StoreError, match="fetched: demo; bundled: spark-nano"):
        verify("nothing")


def test_removing_takes_along_what_was_noted_of_it(own) -> None:
    path = pull("demo", source=own).path
    pull("mine", source=own)
    note_speed("demo", 12.5)
    note_speed("mine", 7.0)
    note_killed("demo")
    work_folder("demo").mkdir(parents=True)
    (work_folder("demo") / "part").write_bytes(bytes(10))
    assert remove("demo") == len(DATA) + 10
    assert not any(each.exists() for each in (path, note_file("demo")))
    assert not work_folder("demo").exists()
    assert speed_of("demo") is None
    assert not was_killed("demo")
    assert speed_of("mine") == 7.0
    assert [model.name for model in installed()] == ["mine"]


def test_what_came_of_a_model_can_be_removed_alone() -> None:
    work_folder("demo").mkdir(parents=True)
    (work_folder("demo") / "part").write_bytes(bytes(10))
    assert remove("demo") == 10


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("nothing", "no fetched or adapted model 'nothing' to remove; fetched: none"),
        ("spark-nano", "comes with the program"),
        ("../models", "no fetched or adapted model"),
        ("", "no fetched or adapted model"),
    ],
)
def test_what_is_not_ours_is_not_removed(name, words) -> None:
    with pytest.raises(StoreError, match=words):
        remove(name)
