"""Adapted models beside the fetched ones: named, listed, found, verified, replaced, removed."""

import hashlib
import json
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.model_list import list_models
from engine.model_store import adapted_models, find_model, found_models, remove, verify
from engine.model_store.adapted import (
    AdaptedNote,
    adapted_folder,
    adapted_name,
    put_adapted,
    recover_adapted,
)
from engine.model_store.shelf import work_folder
from engine.notes import write_note

NAME = "spark-nano+shop"


def candidate(name: str = NAME, repository: str = "/code/shop", text: str = "{}") -> Path:
    """Lay a finished model into the work folder; its files are read by nobody here."""
    folder = work_folder(name) / name
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(text)
    write_note(
        folder / "adapted.json", AdaptedNote("spark-nano", "0", repository, "2026-01-31", 1, 2, {})
    )
    names = ("config.json", "adapted.json")
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    (folder / "checksums.json").write_text(json.dumps({"files": sums}))
    return folder


def test_it_is_listed_found_and_verified_like_ours(store) -> None:
    model = put_adapted(candidate(), NAME)
    assert model.path == store / NAME
    assert adapted_models() == (model,)
    assert find_model(NAME) == model.path
    assert find_model("spark-nano+") == model.path
    assert find_model("spark-nano").name == "spark-nano"
    assert {file.state for file in verify(NAME)} == {"right"}
    (model.path / "config.json").write_text("[]")
    assert [file.state for file in verify(NAME)] == ["wrong", "right"]
    (listed,) = [each for each in list_models().models if each.name == NAME]
    assert (listed.source, listed.default) == ("adapted", False)
    assert not found_models([store])


def test_it_is_removed_with_all_that_belongs_to_it(store) -> None:
    put_adapted(candidate(), NAME)
    (work_folder(NAME) / "checkpoint.safetensors").write_bytes(bytes(1000))
    assert remove(NAME) > 1000
    assert adapted_models() == ()
    assert not adapted_folder(NAME).exists()
    assert not work_folder(NAME).exists()
    with pytest.raises(StoreError, match="no fetched or adapted model"):
        remove(NAME)


def test_a_folder_without_our_note_is_left_alone(store) -> None:
    (store / "mine").mkdir(parents=True)
    (store / "mine" / "config.json").write_text("{}")
    assert adapted_models() == ()
    with pytest.raises(StoreError, match="no fetched or adapted model 'mine'"):
        remove("mine")
    assert (store / "mine" / "config.json").exists()


@pytest.mark.parametrize(
    ("repository", "name"),
    [
        ("/code/shop", "spark-nano+shop"),
        ("/code/My Shop (2)", "spark-nano+My-Shop-2"),
        ("/code/läden", "spark-nano+l-den"),
        ("/", "spark-nano+repository"),
        (f"/{'x' * 200}", f"spark-nano+{'x' * 89}"),
    ],
)
def test_the_name_is_that_of_the_model_and_the_repository(repository, name) -> None:
    assert adapted_name("spark-nano", Path(repository)) == name


def test_another_repository_of_the_same_name_gets_a_number(store) -> None:
    put_adapted(candidate(), NAME)
    assert adapted_name("spark-nano", Path("/code/shop")) == NAME
    assert adapted_name("spark-nano", Path("/other/shop")) == f"{NAME}-2"


def test_what_was_being_replaced_comes_back(store) -> None:
    put_adapted(candidate(text='{"old": 1}'), NAME)
    (store / NAME).rename(work_folder(NAME) / "old")  # killed here
    recover_adapted(NAME)
    assert (store / NAME / "config.json").read_text() == '{"old": 1}'
    put_adapted(candidate(text='{"new": 1}'), NAME)
    assert (store / NAME / "config.json").read_text() == '{"new": 1}'
    assert not (work_folder(NAME) / "old").exists()


def test_one_that_cannot_be_put_in_place_leaves_the_old_one(store) -> None:
    put_adapted(candidate(text='{"old": 1}'), NAME)
    with pytest.raises(FileNotFoundError):
        put_adapted(work_folder(NAME) / "nothing", NAME)
    whole, rename = candidate(), Path.rename

    def fails(path, target):
        if path == whole:
            raise OSError(5, "Input/output error")
        return rename(path, target)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "rename", fails)
        with pytest.raises(OSError, match="Input/output"):
            put_adapted(whole, NAME)
    assert (store / NAME / "config.json").read_text() == '{"old": 1}'
