"""`spark-tui bench quality`: the call, the report, and what is wrong about a call."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import engine
from tests.tui.cli.conftest import Outcome
from tui.assist.recording.events import FileSeen, SessionBegan, TextChanged
from tui.assist.recording.session_file import SessionWriter

Spark = Callable[..., Outcome]


class FakeSession:
    """Suggests the same text everywhere; a character takes a bit."""

    def __init__(self, text: str = "return value") -> None:
        self.model = SimpleNamespace(name="canned")
        self.text = text
        self.requests: list[Any] = []
        self.read: list[str] = []
        self.closed = False
        self.threshold: float | None = None
        self.speculation: bool | None = None
        self.unasked: set[float | None] = set()

    def open(
        self, model: str | None, *, speculation: bool, on_progress: Callable[..., None]
    ) -> "FakeSession":
        self.speculation = speculation
        return self

    def split_prompts(self, typed_lines: int | None) -> None:
        self.typed_lines = typed_lines

    def read_repository(self, root: str, patterns: tuple[str, ...]) -> None:
        self.read.append(root)

    def complete(
        self,
        request: Any,
        *,
        on_text: Callable[[str], None],
        sure_only: bool = False,
        threshold: float | None = None,
    ) -> Any:
        self.requests.append(request)
        self.unasked.add(threshold)
        on_text(self.text)
        return SimpleNamespace(
            text=self.text,
            finish_reason="stop",
            completion_tokens=3,
            shown=True,
            repository=None,
        )

    def score(self, request: Any, target: str) -> Any:
        return SimpleNamespace(bits=float(len(target.encode())))

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch) -> FakeSession:
    fake = FakeSession()
    monkeypatch.setitem(vars(engine), "Session", fake)
    return fake


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    for name, other in (("shapes", "colours"), ("colours", "shapes")):
        path = folder / "package" / f"{name}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(
            f"from .{other} import make_{other}\n\n\n"
            f"def make_{name}(value, size=1):\n"
            f"    first = prepare(value, size)\n"
            f"    if first is None:\n"
            f"        return make_{other}(size)\n"
            f"    return value\n\n\n"
            f"def use_{name}(value):\n"
            f"    second = make_{name}(value)\n"
            f"    return second + {len(name)}\n"
        )
    return folder


def test_the_report_has_the_fields_that_are_relied_on(
    spark: Spark, session: FakeSession, data: Path
) -> None:
    outcome = spark("bench", "quality", "--data", data, "--n", 10, "--json")
    assert outcome.code == 0, outcome.err
    report = outcome.json
    assert report["model"] == "canned"
    assert (report["files"], report["repositories"], report["skipped"]) == (2, 1, {})
    assert list(report["suites"]) == ["line", "mid", "block", "api", "cross", "replay"]
    for name, suite in report["suites"].items():
        assert suite["n"] > 0, name
        low, high = suite["exact_match_ci"]
        assert low <= suite["exact_match"] <= high
        assert 0 <= suite["edit_similarity"] <= 1
        assert suite["bits_per_byte"] == 1.0
        assert set(suite["baselines"]) == {"nothing", "ngram", "nearest_line"}
        for figures in suite["baselines"].values():
            assert {"exact_match", "edit_similarity"} <= set(figures)
    replay = report["suites"]["replay"]
    assert replay["keystrokes_saved"] == pytest.approx(1 - replay["keys"] / replay["characters"])
    assert {"shown", "accepted", "wrong_shown_per_100_keys", "endings"} <= set(replay)
    assert session.closed


def test_the_same_call_gives_the_same_figures(
    spark: Spark, session: FakeSession, data: Path
) -> None:
    call = ("bench", "quality", "--data", data, "--n", 10, "--seed", 5, "--json")
    first, second = spark(*call).json, spark(*call).json
    assert first.pop("seconds") > 0
    assert second.pop("seconds") > 0
    assert first == second


@pytest.mark.parametrize(
    "named",
    [("--suite", "mid", "--suite", "line"), ("--suite", "mid", "line"), ("--suite", "mid,line")],
)
def test_suites_are_named_in_any_way(
    spark: Spark, session: FakeSession, data: Path, named: tuple[str, ...]
) -> None:
    outcome = spark("bench", "quality", *named, "--data", data, "--n", 2, "--json")
    assert list(outcome.json["suites"]) == ["line", "mid"]


def test_the_repository_is_read_unless_it_is_told_off(
    spark: Spark, session: FakeSession, data: Path
) -> None:
    call = ("bench", "quality", "--suite", "line", "--data", data, "--n", 2, "--json")
    assert spark(*call).json["repository"] is True
    assert set(session.read) == {str(data / "package")}
    assert {request.repository for request in session.requests} == {str(data / "package")}
    session.read.clear()
    session.requests.clear()
    assert session.speculation is True
    off = spark(*call, "--no-repository", "--no-speculation")
    assert off.json["repository"] is False
    assert session.speculation is False
    assert session.read == []
    assert {request.repository for request in session.requests} == {None}


def test_cross_is_measured_with_and_without_the_repository(
    spark: Spark, session: FakeSession, data: Path
) -> None:
    call = ("bench", "quality", "--suite", "cross", "--data", data, "--json")
    assert "without_repository" in spark(*call).json["suites"]["cross"]
    assert "without_repository" not in spark(*call, "--no-repository").json["suites"]["cross"]


def test_a_person_gets_a_table(spark: Spark, session: FakeSession, data: Path) -> None:
    outcome = spark("bench", "quality", "--data", data, "--n", 10)
    assert outcome.code == 0
    assert "exact match" in outcome.out
    assert "nearest line" in outcome.out
    assert "model alone" in outcome.out
    assert "wrong/100" in outcome.out
    assert all(len(line) <= 80 for line in outcome.out.splitlines())
    assert "replay: 2 items" in outcome.err


def test_a_replay_takes_measured_times_and_names_them(
    spark: Spark, session: FakeSession, data: Path, tmp_path: Path
) -> None:
    call = ("bench", "quality", "--suite", "replay", "--data", data, "--n", 4, "--json")
    assumed = spark(*call).json["suites"]["replay"]
    assert assumed["latency"]["model"] == "assumed"
    assert assumed["shown"] > 0
    table = {"model": "slow", "first_text_ms": 60000.0, "latency_ms": [[64, 60000.0]]}
    file = tmp_path / "slow.json"
    file.write_text(json.dumps(table))
    measured = spark(*call, "--latency", file).json["suites"]["replay"]
    assert measured["latency"] == table
    assert measured["shown"] == 0


def test_a_replay_shows_unasked_what_a_new_person_would_see(
    spark: Spark, session: FakeSession, data: Path
) -> None:
    session.threshold = -0.5
    call = ("bench", "quality", "--data", data, "--n", 4, "--json", "--suite")
    spark(*call, "line")
    assert session.unasked == {None}
    session.unasked.clear()
    spark(*call, "replay")
    (least,) = session.unasked
    assert least is not None
    assert least > -0.5  # the app wants a higher chance than the model's threshold gives


@pytest.mark.parametrize(
    ("content", "says"), [(None, "cannot be read"), ("[]", "is no latency table")]
)
def test_a_latency_file_that_is_none_is_one_line(
    spark: Spark, session: FakeSession, data: Path, tmp_path: Path, content: str | None, says: str
) -> None:
    file = tmp_path / "table.json"
    if content is not None:
        file.write_text(content)
    outcome = spark("bench", "quality", "--data", data, "--latency", file)
    assert outcome.code == 2
    assert says in outcome.err


def test_progress_goes_to_stderr(spark: Spark, session: FakeSession, data: Path) -> None:
    outcome = spark("bench", "quality", "--suite", "line", "--data", data, "--n", 2, "--json")
    assert len(outcome.out.splitlines()) == 1
    json.loads(outcome.out)
    assert "line: 2 items" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--suite", "linse"), "no suite 'linse'; there are line, mid, block, api, cross, replay"),
        (("line",), "unexpected argument 'line'"),
        (("--n", "0"), "0 is not in the range"),
        (("--seed", "-1"), "-1 is not in the range"),
        (("--model", "nobody"), "no model 'nobody'"),
        (("--data", "nowhere"), "'nowhere' does not exist"),
    ],
)
def test_a_wrong_call_is_one_line(
    spark: Spark, session: FakeSession, data: Path, arguments: tuple[str, ...], says: str
) -> None:
    outcome = spark("bench", "quality", "--data", data, *arguments)
    assert outcome.code == 2
    assert says in outcome.line
    assert outcome.out == ""


def test_a_file_is_no_directory(spark: Spark, session: FakeSession, data: Path) -> None:
    outcome = spark("bench", "quality", "--data", data / "package" / "shapes.py")
    assert outcome.code == 2
    assert "is not a directory" in outcome.line


def test_no_python_files_is_a_refusal_that_says_why(
    spark: Spark, session: FakeSession, tmp_path: Path
) -> None:
    (tmp_path / "a.txt").write_text("x = 1\n")
    outcome = spark("bench", "quality", "--data", tmp_path)
    assert (outcome.code, outcome.out) == (2, "")
    assert f"no Python files in '{tmp_path}';" in outcome.line
    (tmp_path / "b.py").write_bytes(b"\xff")
    assert "(1 not UTF-8)" in spark("bench", "quality", "--data", tmp_path).line


def test_no_question_at_all_is_a_refusal(
    spark: Spark, session: FakeSession, tmp_path: Path
) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    outcome = spark("bench", "quality", "--data", tmp_path, "--suite", "cross")
    assert outcome.code == 2
    assert "no question found" in outcome.err.splitlines()[-1]
    assert session.closed


def test_the_current_directory_is_the_default(
    spark: Spark, session: FakeSession, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(data)
    assert spark("bench", "quality", "--suite", "line", "--n", 1, "--json").json["files"] == 2


# ── suites from files ───────────────────────────────────────────────────────────────────────


@pytest.fixture
def situations(tmp_path: Path) -> Path:
    path = tmp_path / "situations.json"
    items = [
        {"name": name, "path": "a.py", "prefix": "x = ", "suffix": "\n", "accept": [accept]}
        for name, accept in (("good", "return \\w+"), ("bad", "return"))
    ]
    path.write_text(json.dumps(items))
    return path


def test_situations_are_judged_one_by_one(
    spark: Spark, session: FakeSession, situations: Path
) -> None:
    call = ("bench", "quality", "--suite", "situations", "--tasks", situations)
    outcome = spark(*call, "--json")
    assert outcome.code == 0, outcome.err
    suite = outcome.json["suites"]["situations"]
    assert (suite["n"], suite["right"], suite["shown"], suite["right_of_shown"]) == (2, 1, 2, 1)
    assert [item["right"] for item in suite["items"]] == [True, False]
    assert {request.repository for request in session.requests} == {None}
    assert (session.typed_lines, outcome.json["typed_lines"]) == (None, None)
    assert spark(*call, "--typed-lines", "3", "--json").json["typed_lines"] == 3
    assert session.typed_lines == 3
    table = spark(*call)
    assert "1 of 2 right" in table.out
    assert "return value" in table.out


def test_a_suggestion_in_the_table_is_text(
    spark: Spark, session: FakeSession, situations: Path
) -> None:
    session.text = "entries[start:end] [bold]"
    table = spark("bench", "quality", "--suite", "situations", "--tasks", situations)
    assert "entries[start:end] [bold]" in table.out


def test_code_runs_only_when_that_is_said(
    spark: Spark, session: FakeSession, tmp_path: Path
) -> None:
    tasks = tmp_path / "tasks.jsonl"
    tasks.write_text(
        json.dumps(
            {
                "prompt": "def f(value):\n    ",
                "suffix": "\n",
                "test": "def check(f):\n    assert f(3) == 3",
                "entry_point": "f",
            }
        )
    )
    call = ("bench", "quality", "--suite", "infill", "--tasks", tasks)
    refused = spark(*call)
    assert refused.code == 2
    assert "--run-code" in refused.err
    assert session.requests == []
    outcome = spark(*call, "--run-code", "--json")
    assert outcome.json["suites"]["infill"]["pass_at_1"] == 1.0
    assert "passed" in spark(*call, "--run-code").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--suite", "situations"), "needs --tasks"),
        (("--suite", "line"), "one suite"),
        ((), "one suite"),
        (("--suite", "infill", "situations"), "one suite"),
    ],
)
def test_options_of_tasks_go_together(
    spark: Spark, session: FakeSession, situations: Path, arguments: tuple[str, ...], said: str
) -> None:
    tasks = () if said == "needs --tasks" else ("--tasks", situations)
    outcome = spark("bench", "quality", *arguments, *tasks)
    assert outcome.code == 2
    assert said in outcome.err


def test_a_file_that_holds_no_tasks_is_a_wrong_call(
    spark: Spark, session: FakeSession, tmp_path: Path
) -> None:
    path = tmp_path / "situations.json"
    path.write_text("[]")
    outcome = spark("bench", "quality", "--suite", "situations", "--tasks", path)
    assert outcome.code == 2
    assert "no task" in outcome.err
    assert not session.closed  # nothing slow began


def test_a_recorded_session_is_typed_again(
    spark: Spark, session: FakeSession, tmp_path: Path
) -> None:
    file = tmp_path / "session.jsonl"
    writer = SessionWriter(file)
    text = "answer = compute_everything(1)"
    for event in (
        SessionBegan(1, "0.1.0", "2026-11-30T12:00:00+00:00", str(tmp_path / "gone")),
        FileSeen(0, "a.py", "import os\n"),
        TextChanged(1, (1, 0), (1, 0), text, "accepted", (1, len(text))),
    ):
        writer.write(event)
    writer.close()
    call = ("bench", "quality", "--session", file)
    report = spark(*call, "--json").json
    replay = report["suites"]["replay"]
    assert (replay["n"], replay["characters"]) == (1, len(text))
    assert list(replay["baselines"]) == ["nothing"]
    assert report["repository"] is False
    assert session.requests[-1].path == "a.py"
    assert "replay" in spark(*call).out
    assert "--suite replay" in spark(*call, "--suite", "line").err


def test_a_session_in_which_nobody_wrote_is_refused(
    spark: Spark, session: FakeSession, tmp_path: Path
) -> None:
    file = tmp_path / "session.jsonl"
    writer = SessionWriter(file)
    writer.write(SessionBegan(1, "0.1.0", "2026-11-30T12:00:00+00:00", "/"))
    writer.close()
    outcome = spark("bench", "quality", "--session", file)
    assert outcome.code == 2
    assert "nobody typed" in outcome.err


def test_a_folder_that_cannot_be_looked_at_is_told_in_a_line(spark: Spark) -> None:
    outcome = spark("bench", "quality", "--data", "x" * 300)
    assert outcome.code == 2
    assert "does not exist" in outcome.line
