"""Packed weights that are kept are mapped the next time, and only if they are the same ones."""

import fcntl
import os
import shutil
import threading

import numpy as np
import pytest

from engine.model.tensors import FORMATS
from engine.wafer.fast import kept_panels, packing
from engine.wafer.fast.kept_panels import KeptPanels
from engine.wafer.fast.packing import begin_packing
from engine.wafer.program.program import Matrix
from tests.packs import random_packed

TENSOR = random_packed(np.random.default_rng(0), FORMATS["q4_k"], (70, 512))
MATRICES = (Matrix(("w",), ("q4_k",), (70,), 512),)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """The folder of kept weights, where a small model is worth keeping, too."""
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(kept_panels, "LEAST_BYTES", 1)
    return tmp_path / "cache" / "packed"


@pytest.fixture
def model(tmp_path):
    file = tmp_path / "model.gguf"
    file.write_bytes(b"weights")
    return file


def packed(kept):
    """Pack or map, and wait until that is done and kept."""
    found = begin_packing(MATRICES, {"w": TENSOR}, 1, kept)
    for thread in threading.enumerate():
        if thread.name == packing.KEEPING:
            thread.join()
    found.filling.wait()
    return found


def forbidden(*arguments):
    raise AssertionError("packed again")


def test_the_second_start_maps_what_the_first_one_packed(model, folder, monkeypatch):
    first = packed(KeptPanels(model, MATRICES))
    assert [file.suffix for file in folder.iterdir()] == [".panels"]
    monkeypatch.setattr(packing, "_all_jobs", forbidden)

    second = packed(KeptPanels(model, MATRICES))

    assert np.array_equal(first.panels.weights, second.panels.weights)
    assert first.table.tolist() == second.table.tolist()
    assert second.panels.weights.flags.writeable  # another type would be compiled for
    assert second.panels.weights.ctypes.data % 64 == 0


def test_nothing_written_to_mapped_weights_reaches_the_file(model):
    kept = KeptPanels(model, MATRICES)
    packed(kept)
    before = kept.path.read_bytes()

    packed(kept).panels.weights[:] = 0

    assert kept.path.read_bytes() == before


def test_another_model_or_another_program_has_another_file(model, tmp_path):
    names = {KeptPanels(model, MATRICES).path, KeptPanels(model, MATRICES * 2).path}
    model.write_bytes(b"other weights")
    names.add(KeptPanels(model, MATRICES).path)
    model.rename(tmp_path / "renamed.gguf")
    names.add(KeptPanels(tmp_path / "renamed.gguf", MATRICES).path)

    assert len(names) == 4


def test_a_file_that_was_cut_short_is_packed_and_written_anew(model):
    kept = KeptPanels(model, MATRICES)
    packed(kept)
    whole = kept.path.read_bytes()
    os.truncate(kept.path, len(whole) - 1)

    again = packed(kept)

    assert again.panels.weights.tobytes() == whole
    assert kept.path.read_bytes() == whole


def test_a_file_that_others_may_write_is_not_mapped(model):
    first = KeptPanels(model, MATRICES)
    packed(first)
    assert first.path.stat().st_mode & 0o777 == 0o600
    size = first.path.stat().st_size
    assert first.mapped(size) is not None
    first.path.chmod(0o620)
    assert first.mapped(size) is None


def test_a_fault_in_the_weights_keeps_nothing(model, folder, monkeypatch):
    monkeypatch.setattr(packing, "_all_jobs", lambda places, tensors: [Failing()])
    with pytest.raises(ArithmeticError):
        packed(KeptPanels(model, MATRICES))
    assert not folder.exists()


class Failing:
    def run(self, weights):
        raise ArithmeticError


def test_a_full_disk_costs_nothing_but_the_file(model, folder, monkeypatch, caplog):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert packed(KeptPanels(model, MATRICES)).panels.weights.any()
    assert "No space left" in caplog.text
    assert not KeptPanels(model, MATRICES).is_there


@pytest.mark.parametrize("free", [3, 5], ids=["little", "enough"])
def test_a_disk_is_not_filled(model, monkeypatch, free):
    kept = KeptPanels(model, MATRICES)
    weights = np.ones(100, np.uint8)
    usage = type(shutil.disk_usage("/"))(1000, 1000, free * weights.size)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)

    kept.keep(weights)

    assert kept.is_there == (free == 5)


def test_a_small_model_is_not_kept(model, monkeypatch, folder):
    monkeypatch.setattr(kept_panels, "LEAST_BYTES", 101)
    KeptPanels(model, MATRICES).keep(np.ones(100, np.uint8))
    assert not folder.exists()


def test_what_was_used_longest_ago_makes_room(model, folder, monkeypatch):
    monkeypatch.setattr(kept_panels, "KEPT_BYTES", 250)
    folder.mkdir(parents=True)
    for age, name in enumerate(["new.panels", "old.panels", "older.new"]):
        (folder / name).write_bytes(bytes(100))
        os.utime(folder / name, (1000 - age, 1000 - age))
    kept = KeptPanels(model, MATRICES)

    kept.keep(np.ones(100, np.uint8))

    assert {file.name for file in folder.iterdir()} == {"new.panels", kept.path.name}
    assert kept.mapped(100) is not None  # used: now the newest
    assert kept.path.stat().st_mtime > 1000


def test_a_file_that_another_process_writes_is_left_to_it(model, folder):
    kept = KeptPanels(model, MATRICES)
    folder.mkdir(parents=True)
    with kept.path.with_suffix(".new").open("wb") as theirs:
        fcntl.flock(theirs, fcntl.LOCK_EX)
        kept.keep(np.ones(100, np.uint8))
    assert kept.path.with_suffix(".new").read_bytes() == b""
    assert not kept.is_there


def test_a_file_that_another_process_has_just_written_is_not_cut(model, folder, monkeypatch):
    """Between the opening and the lock here, it was renamed and its lock was given back."""
    kept = KeptPanels(model, MATRICES)
    new = kept.path.with_suffix(".new")
    folder.mkdir(parents=True)
    new.write_bytes(b"whole")
    lock = fcntl.flock

    def late(file, kind):
        new.rename(kept.path)
        lock(file, kind)

    monkeypatch.setattr(fcntl, "flock", late)
    kept.keep(np.ones(100, np.uint8))

    assert kept.path.read_bytes() == b"whole"


def test_a_cache_that_cannot_be_looked_into_keeps_nothing(tmp_path, model, monkeypatch):
    """As one that only another user may enter."""
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path / ("x" * 300)))
    kept = KeptPanels(model, MATRICES)
    assert not kept.is_there
    assert packed(kept).panels.weights.size
