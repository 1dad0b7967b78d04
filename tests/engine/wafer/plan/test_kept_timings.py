"""Prices that are kept are the prices; a damaged memory is no memory."""

import os
import threading
from functools import partial

import numpy as np
import pytest

from engine.wafer.plan import kept_timings
from engine.wafer.plan.kept_plans import remembered_plan
from engine.wafer.plan.placed import Placed, open_placed
from engine.wafer.program import machine
from tests.tiny import tiny_model

SMALL = machine.get("small")
TOKENS = np.array([5, 6, 7], np.int32)


@pytest.fixture
def memory(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path))
    return tmp_path / "timings"


def told(placed):
    """All that a step of 3 rows costs: cycles, states of all cores, operations, the Program."""
    counts = placed.timing.count(TOKENS, 2)
    activity = placed.expand(counts)
    states = [region.tobytes() for region in activity.states]
    return placed.step_cycles(2, 3), states, activity.cycles_by_operation, placed.program.hash


def unkept(tiny):
    return Placed(tiny.graph, SMALL, remembered_plan(tiny.graph, SMALL))


def forbidden(*arguments, **options):
    raise AssertionError("priced again")


def test_the_second_start_prices_nothing(tiny, memory, monkeypatch):
    expected = told(unkept(tiny))
    assert told(open_placed(tiny.graph, SMALL)) == expected
    monkeypatch.setattr("engine.wafer.plan.placed.Timing", forbidden)
    monkeypatch.setattr("engine.wafer.plan.placed.compile_graph", forbidden)

    assert told(open_placed(tiny.graph, SMALL)) == expected
    with pytest.raises(AssertionError, match="again"):
        open_placed(tiny.graph, SMALL, 16)


def test_what_a_kept_model_compiles_to_is_there_when_asked(tiny, memory):
    open_placed(tiny.graph, SMALL)

    compiled = open_placed(tiny.graph, SMALL).compiled

    assert compiled.program.hash == unkept(tiny).compiled.program.hash


@pytest.mark.parametrize("spoil", [
    lambda content: b"",
    lambda content: content[:20],
    lambda content: content[:-1],
    lambda content: content + b"\0",
    lambda content: content[:60] + bytes([content[60] ^ 1]) + content[61:],
    lambda content: content[:-3] + bytes([content[-3] ^ 1]) + content[-2:],
])  # fmt: skip
def test_a_damaged_memory_is_priced_anew(tiny, memory, spoil, caplog):
    expected = told(open_placed(tiny.graph, SMALL))
    (file,) = memory.iterdir()
    whole = file.read_bytes()
    file.write_bytes(spoil(whole))

    assert told(open_placed(tiny.graph, SMALL)) == expected
    assert "not usable" in caplog.text
    assert file.stat().st_size == len(whole)


def test_a_whole_file_of_something_else_is_priced_anew(tiny, memory, monkeypatch):
    expected = told(open_placed(tiny.graph, SMALL))
    (file,) = memory.iterdir()
    parts = kept_timings.pickle.dumps([1]), b""
    head = [kept_timings._HEAD.pack(kept_timings.hashlib.sha256(p).digest(), len(p)) for p in parts]
    file.write_bytes(head[0] + parts[0] + head[1])

    assert told(open_placed(tiny.graph, SMALL)) == expected


class Run:
    """Unpickled, it makes a folder."""

    def __init__(self, folder):
        self.folder = folder

    def __reduce__(self):
        return (os.mkdir, (str(self.folder),))


@pytest.mark.parametrize("mode", [0o600, 0o666])
def test_prices_that_another_user_may_have_written_are_not_read(tiny, memory, tmp_path, mode):
    """They are a pickle, which is run; only what nobody else can write is."""
    expected = told(open_placed(tiny.graph, SMALL))
    (file,) = memory.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    parts = kept_timings.pickle.dumps(Run(tmp_path / "ran")), b""
    head = [kept_timings._HEAD.pack(kept_timings.hashlib.sha256(p).digest(), len(p)) for p in parts]
    file.write_bytes(head[0] + parts[0] + head[1])
    file.chmod(mode)

    assert told(open_placed(tiny.graph, SMALL)) == expected
    assert (tmp_path / "ran").exists() == (mode == 0o600)


def test_prices_that_cannot_be_kept_are_used_all_the_same(tiny, memory, caplog):
    memory.write_text("a file where the folder should be")

    assert told(open_placed(tiny.graph, SMALL)) == told(unkept(tiny))
    assert "cannot be kept" in caplog.text


def test_another_model_or_machine_or_source_has_other_prices(tiny, memory, monkeypatch):
    open_placed(tiny.graph, SMALL)
    open_placed(tiny_model(ffn=128).graph, SMALL)
    open_placed(tiny.graph, machine.get("tiny"))
    assert len(list(memory.iterdir())) == 3

    monkeypatch.setattr(kept_timings, "_SOURCES", kept_timings._SOURCES[:-1])  # a source changed
    open_placed(tiny.graph, SMALL)
    assert len(list(memory.iterdir())) == 4


def test_states_wait_in_their_small_form_and_come_once(tiny, memory):
    """Whoever asks first waits for them; who asks meanwhile gets the same ones."""
    timing = open_placed(tiny.graph, SMALL).timing
    assert timing._costs is None
    found = []

    readers = [
        threading.Thread(target=partial(lambda: found.append(timing.core_costs))) for _ in range(4)
    ]
    for reader in readers:
        reader.start()
    for reader in readers:
        reader.join()

    assert len(found) == 4
    assert all(each is found[0] for each in found)
