"""Sessions on disk: what is written comes back, and what cannot be is left out."""

import stat
import zlib
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.protocol.messages import Completed, WatchedCores
from tui.assist.recording import session_file
from tui.assist.recording.events import (
    CountersSeen,
    EngineSaid,
    FileSeen,
    SessionBegan,
    TextChanged,
)
from tui.assist.recording.session_file import (
    SessionFileError,
    SessionWriter,
    pictured,
    read_session,
)
from tui.demo_engine import demo_completion, demo_ready, demo_telemetry

BEGAN = SessionBegan(1, "0.1.0", "2026-11-30T12:00:00+00:00", "/home/ada/demo")
EVENTS = (
    FileSeen(0, "a.py", "x = '\u00e4'\n", (0, 5)),
    EngineSaid(5, demo_ready()),
    CountersSeen(7, replace(demo_telemetry(demo_ready()), cell_states=b""), b"\x00\xff"),
    EngineSaid(9, Completed(3, demo_completion("return x"))),
    TextChanged(10, (0, 1), (0, 2), "\n", "typed", (1, 0)),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "session.jsonl"


def write(file: Path, *events) -> None:
    writer = SessionWriter(file)
    for event in (BEGAN, *events):
        writer.write(event)
    writer.close()


def test_what_is_written_comes_back(file):
    write(file, *EVENTS)
    session = read_session(file)
    assert (session.began, session.events, session.left_out) == (BEGAN, EVENTS, 0)
    assert session.seconds == 0.01


def test_a_recording_is_the_users_alone_and_never_written_over(file):
    write(file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        SessionWriter(file)


def test_half_a_surrogate_pair_becomes_a_sign(file):
    write(file, FileSeen(0, "a.py", "x\ud800"))
    (event,) = read_session(file).events
    assert event.text == "x?"


def test_events_come_in_the_order_of_their_times(file):
    write(file, EVENTS[4], EVENTS[0])
    assert [event.at_ms for event in read_session(file).events] == [0, 10]


def test_a_line_that_cannot_be_is_left_out_and_counted(file):
    write(file, EVENTS[0])
    with open(file, "ab") as more:
        more.write(b'{"kind":"edit","at_ms":"soon"}\n[]\n{"kind":"dance","at_ms":1}\n\xff\n')
        more.write(b'{"kind":"cursor","at_ms":-5,"cursor":[0,0],"anchor":[0,0]}\n')
        more.write(b"[" * 100_000 + b"\n")
        more.write(b'{"kind":"gone","at_ms":1,"rea')  # the disk was full
    session = read_session(file)
    assert session.events == EVENTS[:1]
    assert session.left_out == 7


@pytest.mark.parametrize("content", [b"", b"{}", b"x = 1\n", b'{"kind":"file","at_ms":0}\n'])
def test_another_file_is_refused(file, content):
    file.write_bytes(content)
    with pytest.raises(SessionFileError, match="first line"):
        read_session(file)


def test_a_later_format_is_refused_with_what_to_do(file):
    writer = SessionWriter(file)
    writer.write(replace(BEGAN, format=2))
    writer.close()
    with pytest.raises(SessionFileError, match="format 2, this release reads 1"):
        read_session(file)


def test_a_recording_has_an_end(file, monkeypatch):
    monkeypatch.setattr(session_file, "MAX_BYTES", 300)
    writer = SessionWriter(file)
    assert writer.write(BEGAN)
    assert not writer.write(FileSeen(0, "a.py", "x" * 300))
    writer.close()


def test_a_picture_is_that_of_the_cells_or_none():
    counters = demo_telemetry(demo_ready(), cores=WatchedCores(0, 0, 90, 60, 9, 6))
    picture = zlib.compress(counters.cell_states)
    bare = replace(counters, cell_states=b"")
    assert pictured(CountersSeen(0, bare, picture)) == counters
    for wrong in (b"", b"nonsense", zlib.compress(bytes(10)), zlib.compress(bytes(1 << 24))):
        assert pictured(CountersSeen(0, bare, wrong)) == bare
    of_none = replace(bare, cores=None)
    assert pictured(CountersSeen(0, of_none, picture)) == of_none
