"""The catalogue that the program brings."""

import re
from importlib.resources import files

import pytest

from engine.model_store import offers
from engine.model_store.offers import available, offer_named


@pytest.fixture(autouse=True)
def own_catalogue(catalogue, monkeypatch):
    monkeypatch.setattr(offers, "files", files)
    available.cache_clear()


def test_every_entry_is_whole_and_can_be_fetched() -> None:
    names = [model.name for model in available()]
    assert len(set(names)) == len(names)
    assert {"qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b", "smollm2-135m"} <= set(names)
    for model in available():
        assert re.fullmatch(r"[0-9a-f]{64}", model.sha256)
        assert model.packages is not None or model.hub is not None
        assert model.licence
        assert model.licence_text
        assert model.gains
        assert 0 < model.download_bytes < 1.01 * model.file_bytes


def test_those_trained_on_instructions_say_so() -> None:
    follow = {model.name for model in available() if model.follows_instructions}
    assert follow == {model.name for model in available() if "Instruct" in model.title}
    assert "qwen2.5-coder-0.5b" in follow


def test_it_is_in_order_and_gives_parts_their_numbers() -> None:
    sizes = [model.file_bytes for model in available()]
    assert sizes == sorted(sizes)
    model = offer_named("qwen2.5-coder-1.5b")
    assert model is not None
    assert model.packages is not None
    assert len(model.packages.names) == model.packages.parts == 22
    assert model.packages.names[0].endswith("part1")
    assert model.packages.names[-1].endswith("part22")


def test_where_packages_come_from_is_not_written_here() -> None:
    text = files("engine.model_store").joinpath("catalogue.toml").read_text(encoding="utf-8")
    hosts = set(re.findall(r"https?://([^/\"]+)", text))
    assert hosts == {"www.apache.org", "ai.google.dev"}  # texts of licences


def test_what_has_other_terms_is_not_offered() -> None:
    gemma = offer_named("gemma3-270m")
    assert gemma is not None
    assert not gemma.offered
    assert all(model.licence == "Apache-2.0" for model in available() if model.offered)
    assert offer_named("no-such") is None
