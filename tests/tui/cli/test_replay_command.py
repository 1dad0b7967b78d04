"""`spark-tui replay`: what a recording holds, and files that are none; `--record` on new files."""

from pathlib import Path

import pytest

from tui.assist.recording.events import FileSeen, GhostSeen, GhostTaken, SessionBegan, TextChanged
from tui.assist.recording.session_file import SessionWriter


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "session.jsonl"
    writer = SessionWriter(path)
    for event in (
        SessionBegan(1, "0.1.0", "2026-11-30T12:00:00+00:00", "/home/ada/demo"),
        FileSeen(0, "a.py", "x\n"),
        GhostSeen(500, "compute_everything(1)", 30.0),
        GhostTaken(700, "compute_everything(1)", "all"),
        TextChanged(700, (0, 1), (0, 1), "compute_everything(1)", "accepted", (0, 22)),
        FileSeen(1500, None),
    ):
        writer.write(event)
    writer.close()
    return path


def test_what_a_recording_holds(spark, file):
    found = spark("replay", file, "--json").json
    assert found == {
        "began": "2026-11-30T12:00:00+00:00",
        "program": "0.1.0",
        "root": "/home/ada/demo",
        "seconds": 1.5,
        "files": ["a.py"],
        "edits": 1,
        "suggestions": 1,
        "accept_keys": {"all": 1},
        "typed_runs": 1,
        "lines_left_out": 0,
    }


def test_lines_that_are_left_out_are_told(spark, file):
    with open(file, "ab") as more:
        more.write(b"{}\n")
    outcome = spark("replay", file, "--json")
    assert outcome.json["lines_left_out"] == 1
    assert "1 lines" in outcome.line


@pytest.mark.parametrize(
    ("content", "words"), [(b"x = 1\n", "first line"), (None, "cannot be read")]
)
def test_another_file_is_refused_in_one_line(spark, tmp_path, content, words):
    path = tmp_path / "other"
    if content is not None:
        path.write_bytes(content)
    outcome = spark("replay", path)
    assert outcome.code == 2
    assert words in outcome.line


def test_playing_needs_a_terminal(spark, file):
    outcome = spark("replay", file)
    assert outcome.code == 2
    assert "needs a terminal" in outcome.line


@pytest.mark.parametrize("speed", ["0", "-1", "nan", "1e9"])
def test_the_speed_has_limits(spark, file, speed):
    assert spark("replay", file, "--speed", speed).code == 2


def test_nobodys_work_is_recorded_over(spark, file, tmp_path):
    outcome = spark(tmp_path, "--record", file)
    assert outcome.code == 2
    assert "exists; --record takes the name of a new file" in outcome.line
    assert "its directory does not exist" in spark(tmp_path, "--record", tmp_path / "no" / "f").line


def test_without_a_file_it_is_the_newest_that_the_app_recorded(spark, file, monkeypatch, tmp_path):
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path / "state"))
    folder = tmp_path / "state" / "sessions"
    folder.mkdir(parents=True)
    assert "no session is recorded" in spark("replay", "--json").line
    (folder / "2026-11-30-120000.jsonl").write_text("no session")
    (folder / "2026-11-30-130000.jsonl").write_bytes(file.read_bytes())
    assert spark("replay", "--json").json["files"] == ["a.py"]
