"""Conversations on disk: bounded, whole after a kill, and of this user alone."""

import multiprocessing
import os
import signal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.protocol.asking import ReadPart
from tui.files.transcripts import MOST_BYTES, MOST_TURNS, KeptTurn, Transcript


def turn(key: str, answer: str = "A", **fields: object) -> KeptTurn:
    return KeptTurn(key, 1.5, "Q", answer, **fields)  # type: ignore[arg-type]


@pytest.fixture
def transcript(tmp_path: Path) -> Transcript:
    return Transcript(tmp_path / "state" / "talks", tmp_path / "repo")


def test_turns_come_back_in_their_order(tmp_path: Path, transcript: Transcript) -> None:
    parts = (ReadPart("a.py", 1, 3, "open"),)
    turns = (turn("1", parts=parts, note="stopped", cost="1 s"), turn("2"))
    for each in turns:
        transcript.keep(each)
    assert Transcript(tmp_path / "state" / "talks", tmp_path / "repo").read() == turns
    assert Transcript(tmp_path / "state" / "talks", tmp_path / "other").read() == ()


def test_a_turn_takes_the_place_of_its_earlier_state(transcript: Transcript) -> None:
    for each in (turn("1", ""), turn("2"), turn("1", "One.")):
        transcript.keep(each)
    assert transcript.read() == (turn("1", "One."), turn("2"))


def test_two_windows_add_to_one_conversation(tmp_path: Path) -> None:
    one, two = (Transcript(tmp_path, tmp_path) for _ in range(2))
    for number in range(3):
        one.keep(turn(f"one {number}"))
        two.keep(turn(f"two {number}"))
    assert len(one.read()) == 6


def test_it_is_forgotten_on_request(transcript: Transcript) -> None:
    transcript.keep(turn("1"))
    transcript.clear()
    transcript.clear()
    assert transcript.read() == ()


def test_the_oldest_turns_go_first(transcript: Transcript) -> None:
    for number in range(MOST_TURNS + 5):
        transcript.keep(turn(str(number)))
    assert [each.key for each in transcript.read()] == [str(i) for i in range(5, MOST_TURNS + 5)]


def test_the_file_is_bounded_and_of_this_user_alone(tmp_path: Path, transcript: Transcript) -> None:
    for number in range(40):
        transcript.keep(turn(str(number), "x" * 10**6))
    (file,) = (tmp_path / "state" / "talks").glob("*.json")
    assert file.stat().st_size <= MOST_BYTES + 1000
    assert file.stat().st_mode & 0o077 == 0
    assert transcript.read()[-1].key == "39"


@pytest.mark.parametrize(
    "content", [b"", b"{}", b'{"version": 2, "repository": "", "turns": []}', b"[" * 10**5, b"\xff"]
)
def test_a_spoilt_file_is_none(tmp_path: Path, transcript: Transcript, content: bytes) -> None:
    transcript.keep(turn("1"))
    (file,) = (tmp_path / "state" / "talks").glob("*.json")
    file.write_bytes(content)
    assert transcript.read() == ()
    transcript.keep(turn("2"))
    assert transcript.read() == (turn("2"),)


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotADirectoryError):
        Transcript(tmp_path / "file" / "talks", tmp_path).keep(turn("1"))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(st.text(), st.text(), st.text())
def test_any_text_is_kept(transcript: Transcript, question: str, answer: str, path: str) -> None:
    part = ReadPart(path, 1, 1, "open")
    transcript.keep(KeptTurn("k", 0.0, question, answer, (part,)))
    kept = transcript.read()[0]
    assert kept.answer == answer.encode("utf-8", "replace").decode()


def _keeps_on(folder: Path, ready: "multiprocessing.synchronize.Event") -> None:
    transcript = Transcript(folder, folder)
    number = 0
    while True:
        transcript.keep(turn(str(number), "x" * 2000))
        number += 1
        if number == 3:
            ready.set()


@pytest.mark.parametrize("spins", [0, 2_000, 20_000, 100_000])
def test_a_killed_process_leaves_whole_turns(tmp_path: Path, spins: int) -> None:
    """Killed at whatever point it is: what was kept before is there, the file is never a half."""
    context = multiprocessing.get_context("fork")
    ready = context.Event()
    process = context.Process(target=_keeps_on, args=(tmp_path, ready), daemon=True)
    process.start()
    assert ready.wait(20)
    for _ in range(spins):
        pass
    assert process.pid is not None
    os.kill(process.pid, signal.SIGKILL)
    process.join()
    turns = Transcript(tmp_path, tmp_path).read()
    assert len(turns) >= 3
    assert all(each.answer == "x" * 2000 for each in turns)
    keys = [int(each.key) for each in turns]
    assert keys == list(range(keys[0], keys[0] + len(keys)))
    Transcript(tmp_path, tmp_path).keep(turn("after"))  # the lock went with the process
