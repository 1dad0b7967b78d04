"""What is learnt is still known at the next start, and nothing that the file says can hurt."""

import json

import pytest

from tui.assist.acceptance import Acceptance
from tui.flows.suggestions.acceptance_store import AcceptanceStore


@pytest.fixture
def file(tmp_path):
    return tmp_path / "state" / "acceptance.json"


def test_each_model_has_its_own(file):
    store = AcceptanceStore(file)
    assert store.of("a") == Acceptance()
    learnt = store.learn("a", -0.2, -0.4, taken=True)
    assert learnt.taken == 1
    assert AcceptanceStore(file).of("a") == learnt
    assert store.of("b") == Acceptance()


def test_two_windows_add_up(file):
    one, other = AcceptanceStore(file), AcceptanceStore(file)
    one.learn("a", -0.2, -0.4, taken=True)
    other.learn("a", -0.2, -0.4, taken=False)
    known = one.learn("a", -0.2, -0.4, taken=False)
    assert (known.taken, known.refused) == (1, 2)


def test_it_can_be_forgotten(file):
    store = AcceptanceStore(file)
    store.forget()
    store.learn("a", -0.2, -0.4, taken=True)
    store.forget()
    assert store.of("a") == Acceptance()


def test_the_file_stays_small_and_says_nothing_but_numbers(file):
    store = AcceptanceStore(file)
    for number in range(100):
        store.learn(f"model-{number}", -0.2, -0.4, taken=True)
    kept = json.loads(file.read_bytes())
    assert len(kept) == 32
    assert "model-99" in kept
    assert set(kept["model-99"]) == {"a", "b", "precision", "taken", "refused"}
    assert file.stat().st_size < 8192


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b'{"a": 1}', b"\xff", b'{"a": {"b": -3.0}}', b'{"a": {"precision": [0, 0, 0]}}'],
)
def test_an_odd_file_is_as_none(file, content):
    file.parent.mkdir()
    file.write_bytes(content)
    store = AcceptanceStore(file)
    assert store.of("a") == Acceptance()
    assert store.learn("a", -0.2, -0.4, taken=True).taken == 1


def test_where_nothing_can_be_written_it_is_known_until_the_end(tmp_path):
    (tmp_path / "file").write_text("")
    store = AcceptanceStore(tmp_path / "file" / "acceptance.json")
    assert store.learn("a", -0.2, -0.4, taken=True).taken == 1
