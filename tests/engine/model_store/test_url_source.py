"""Pulling from an address: ranges, what breaks off, what is refused."""

import errno
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.model_store import installed, pull, url_source
from engine.model_store.shelf import work_folder
from tests.engine.model_store.conftest import DATA
from tests.engine.model_store.loopback import Served

ROOT = Path(__file__).parents[3]
FILE = "/models/demo-q4.gguf"


def test_a_file_or_the_folder_it_lies_in(server) -> None:
    server.files[FILE] = Served(DATA)
    model = pull("demo", source=server.address(FILE))
    assert model.path.read_bytes() == DATA
    assert model.note.origin == server.address(FILE)
    model.path.unlink()
    assert pull("demo", source=server.address("/models/")).path.read_bytes() == DATA


def test_a_model_that_is_in_no_catalogue_has_the_name_that_is_given(server) -> None:
    server.files["/x.gguf"] = Served(DATA)
    model = pull("mine", source=server.address("/x.gguf"))
    assert (model.name, model.note.sha256) == ("mine", model.expected_sha256)
    server.files.clear()
    assert pull("mine", source=server.address("/x.gguf")) == model  # it is there


def test_a_connection_that_breaks_off_goes_on_at_its_byte(server) -> None:
    server.files[FILE] = Served(DATA, stop_at=100_000)
    assert pull("demo", source=server.address(FILE)).path.read_bytes() == DATA
    assert server.requests == [(FILE, 0), (FILE, 100_000)]


def test_another_part_than_the_one_asked_for_is_refused(server) -> None:
    server.files[FILE] = Served(DATA, stop_at=100_000, shift=7)
    with pytest.raises(StoreError, match="asked for from byte 100000 on"):
        pull("mine", source=server.address(FILE))
    assert installed() == ()


def test_killed_half_way_the_same_call_goes_on(server, store, catalogue) -> None:
    server.files[FILE] = Served(DATA, hang_at=100_000)
    code = (
        "from pathlib import Path; from engine.model_store import offers, pull; "
        f"offers.files = lambda package: Path({str(catalogue.parent)!r}); "
        f"pull('demo', source={server.address(FILE)!r})"
    )
    process = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    came = work_folder("demo") / "url"
    deadline = time.monotonic() + 20
    while not came.exists() or came.stat().st_size < 100_000:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert installed() == ()
    server.files[FILE].hang_at = None
    assert pull("demo", source=server.address(FILE)).path.read_bytes() == DATA
    assert server.requests == [(FILE, 0), (FILE, 100_000)]


def test_a_file_that_changed_meanwhile_is_fetched_from_its_beginning(server) -> None:
    half = b"GGUF" + bytes(len(DATA) - 4)
    server.files[FILE] = Served(half, stop_at=100_000)
    replaced = server.files[FILE]

    def change(progress) -> None:
        if replaced.stop_at is None:  # the first answer is on its way
            replaced.data, replaced.mark = DATA, '"two"'

    assert pull("demo", source=server.address(FILE), on_progress=change).path.read_bytes() == DATA


@pytest.mark.parametrize(
    ("served", "words"),
    [
        (Served(DATA[:-1]), "has 300003 bytes, the model's file has 300004"),
        (Served(DATA + b"x", length=False), "more than 300004 bytes"),
        (Served(b"GGUF" + bytes(len(DATA) - 4)), "SHA-256"),
    ],
    ids=["shorter", "longer", "other"],
)
def test_another_file_is_refused_and_leaves_nothing(server, served, words) -> None:
    server.files[FILE] = served
    with pytest.raises(StoreError, match=words) as caught:
        pull("demo", source=server.address(FILE))
    assert "\n" not in str(caught.value)
    assert installed() == ()


def test_what_is_no_model_is_refused(server) -> None:
    server.files["/x"] = Served(b"<html>sign in</html>")
    with pytest.raises(StoreError, match=r"begins with b'<htm' and is no GGUF file"):
        pull("mine", source=server.address("/x"))
    assert installed() == ()


def test_an_address_that_leads_nowhere_says_so(server) -> None:
    with pytest.raises(StoreError, match="404 Not Found"):
        pull("demo", source=server.address("/nothing"))
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(StoreError, match="Connection refused"):
        pull("demo", source=f"http://127.0.0.1:{port}/x.gguf")


@pytest.mark.parametrize("target", ["file:///etc/passwd", "ftp://127.0.0.1/x"])
def test_a_redirection_out_of_http_is_not_followed(server, target) -> None:
    server.redirections["/x"] = target
    with pytest.raises(StoreError, match=r"is not followed|is not allowed"):
        pull("demo", source=server.address("/x"))


def test_a_redirection_is_followed(server) -> None:
    server.files[FILE] = Served(DATA)
    server.redirections["/x"] = server.address(FILE)
    assert pull("demo", source=server.address("/x")).path.read_bytes() == DATA


def test_only_http_can_be_opened() -> None:
    with pytest.raises(OSError, match="file"):
        url_source._opener().open("file:///etc/passwd")


def test_a_disk_that_fills_on_the_way_is_not_the_fault_of_the_address(server, monkeypatch) -> None:
    def full(*arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    server.files["/x"] = Served(DATA)
    with monkeypatch.context() as patch:
        patch.setattr(url_source._Transfer, "_copy", full)
        with pytest.raises(StoreError, match=r"^mine: the disk of .* is full; free some space"):
            pull("mine", source=server.address("/x"))
    assert pull("mine", source=server.address("/x")).path.read_bytes() == DATA
