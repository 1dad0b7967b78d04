"""What is told of a session, and what never is."""

import pytest

from engine.protocol.messages import WatchedCores
from tests.tui.assist.places import at
from tui.assist.recording.events import (
    CountersSeen,
    EngineSaid,
    FileSeen,
    GhostEnded,
    GhostSeen,
    GhostTaken,
    PlaceSeen,
    TextChanged,
)
from tui.assist.recording.recorder import SessionRecorder
from tui.assist.recording.session_file import pictured
from tui.assist.suggestion_events import SuggestionReady
from tui.demo_engine import demo_ready, demo_telemetry


class Session:
    """A recorder, what it told, and its clock."""

    def __init__(self):
        self.now, self.told = 50.0, []
        self.recorder = SessionRecorder(self.told.append, lambda: self.now)


@pytest.fixture
def session():
    return Session()


def test_a_file_is_told_whole_once_and_then_by_what_changes(session):
    say = session.recorder
    say.looks_at("a.py", ["x = 1", ""], (0, 5), secret=False)
    session.now += 0.25
    say.edited(["x = 12", ""], "typed", (0, 6))
    say.looks_at("b.py", [""], (0, 0), secret=False)
    say.looks_at("a.py", ["x = 12", ""], (0, 6), secret=False)
    assert session.told == [
        FileSeen(0, "a.py", "x = 1\n", (0, 5)),
        TextChanged(250, (0, 5), (0, 5), "2", "typed", (0, 6)),
        FileSeen(250, "b.py", "", (0, 0)),
        FileSeen(250, "a.py", None, (0, 6)),
    ]


def test_of_a_secret_file_nothing_is_told(session):
    say = session.recorder
    say.looks_at(".env", ["TOKEN=1"], (0, 0), secret=True)
    say.edited(["TOKEN=12"], "typed", (0, 8))
    say.moved((0, 3), (0, 0))
    say.suggested(SuggestionReady(at("TOKEN="), "secret", 10.0))
    say.accepted("secret", "all")
    say.ended("typed")
    assert session.told == [FileSeen(0, None)]


def test_a_suggestion_from_its_text_to_its_end(session):
    say = session.recorder
    say.looks_at("a.py", [""], (0, 0), secret=False)
    say.suggested(SuggestionReady(at("x"), "return x", 12.34, complete=False))
    say.accepted("return", "word")
    say.ended("moved")
    say.moved((0, 2), (0, 1))
    assert session.told[1:] == [
        GhostSeen(0, "return x", 12.3, False, False),
        GhostTaken(0, "return", "word"),
        GhostEnded(0, "moved"),
        PlaceSeen(0, (0, 2), (0, 1)),
    ]


CORES = WatchedCores(0, 0, 90, 60, 9, 6)


def test_a_picture_of_all_cells_once_a_second(session):
    ready = demo_ready()
    session.recorder.said(ready)
    for step in range(11):
        session.recorder.said(demo_telemetry(ready, step, cores=CORES))
        session.now += 0.2
    first, *counters = session.told
    assert first == EngineSaid(0, ready)
    pictures = [event for event in counters if event.picture]
    assert [event.at_ms for event in pictures] == [0, 1000, 2000]
    assert all(isinstance(e, CountersSeen) and not e.telemetry.cell_states for e in counters)
    assert pictured(pictures[1]) == demo_telemetry(ready, 5, cores=CORES)
