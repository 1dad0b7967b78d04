"""The default model, and the one that is offered."""

import pytest

from engine.host_memory import memory_needed_bytes
from engine.model_store import (
    choice,
    default_model,
    installed,
    note_speed,
    offered_model,
    pull,
    speed_of,
)
from engine.paths import state_dir
from tests.engine.model_store.conftest import DATA, write_catalogue


@pytest.fixture(autouse=True)
def memory(monkeypatch):
    """The free memory; a test may change it."""
    free = [10**12]
    monkeypatch.setattr(choice, "available_bytes", lambda: free[0])
    return free


@pytest.fixture
def own(tmp_path):
    path = tmp_path / "own.gguf"
    path.write_bytes(DATA)
    return str(path)


def test_without_a_fetched_model_it_is_the_bundled_one() -> None:
    chosen = default_model()
    assert chosen.name == "spark-nano"
    assert (chosen.path / "config.json").exists()


def test_a_fetched_one_of_the_catalogue_is_the_default_and_others_are_not(own) -> None:
    pull("mine", source=own)
    assert default_model().name == "spark-nano"
    pull("demo", source=own)
    assert default_model().name == "demo"
    assert default_model().path == installed()[0].path


def test_the_largest_is_taken(own, store) -> None:
    pull("demo", source=own)
    (store / "larger.gguf").write_bytes(DATA + DATA)
    assert default_model().name == "larger"


def test_one_that_is_not_offered_is_not(own, catalogue) -> None:
    write_catalogue(catalogue, offered=False)
    pull("demo", source=own)
    assert default_model().name == "spark-nano"


def test_it_must_fit_into_free_memory(own, memory) -> None:
    pull("demo", source=own)
    needed = memory_needed_bytes(len(DATA))
    assert needed == int(1.3 * len(DATA)) + 300_000_000
    memory[0] = needed
    assert default_model().name == "demo"
    memory[0] = needed - 1
    assert default_model().name == "spark-nano"
    assert "demo needs 0.3 GB of memory" in default_model().why


def test_it_must_have_written_fast_enough_if_anybody_measured(own) -> None:
    pull("demo", source=own)
    assert speed_of("demo") is None
    note_speed("demo", 5.0)
    assert default_model().name == "demo"
    note_speed("demo", 4.9)
    assert speed_of("demo") == 4.9
    assert default_model().name == "spark-nano"
    assert "wrote 4.9 tokens/s here, less than 5" in default_model().why


def test_speeds_that_cannot_be_read_or_written_are_measured_again(own) -> None:
    pull("demo", source=own)
    state_dir().mkdir(parents=True)
    (state_dir() / "model_speeds.json").write_text("[1")
    assert speed_of("demo") is None
    note_speed("demo", 1.0)
    assert speed_of("demo") == 1.0


def test_the_smallest_measured_model_that_fits_is_offered_until_one_is_fetched(own, memory) -> None:
    assert offered_model().name == "demo"
    memory[0] = 1000
    assert offered_model() is None
    memory[0] = 10**12
    pull("demo", source=own)
    assert offered_model() is None
