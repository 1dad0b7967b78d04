"""`scripts/bench_typing.py`: pages and keys by themselves, then one small run on a real engine."""

import inspect
import json
from pathlib import Path
from typing import Any

import pytest

from engine.session import Session
from scripts import bench_typing
from scripts.bench.limits import Memory
from scripts.bench.typing_keys import Key, Text, as_json, latency_table, summary
from scripts.bench.typing_page import Page, open_page, stretches
from scripts.bench.typing_passes import Passes, passes_summary
from tests.tiny_gguf import write_tiny_gguf
from tui.assist.latency import read_latency

SOURCE = "def f(x):\n    if x:\n        return 1\n\n    return 2\n"
TYPED = bench_typing.TEXTS


def page(text: str, at: int = 0) -> Page:
    return open_page(Path("a.py"), text, at, inside=False)


# ── pages ───────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", sorted(TYPED.iterdir()), ids=lambda path: path.name)
def test_typing_every_key_writes_the_file(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    typed = page(text, text.index("\n", len(text) // 3) + 1)
    kinds = set()
    while typed.target:
        kinds.add(typed.press())
    lines = zip(typed.before.split("\n"), text.split("\n"), strict=True)
    assert all(ours.rstrip() == theirs for ours, theirs in lines)
    assert kinds == {"character", "enter"}


def test_enter_brings_the_indentation_of_the_next_line() -> None:
    typed = page(SOURCE, len("def f(x):"))
    assert typed.press() == "enter"
    assert typed.before.endswith("def f(x):\n    ")
    assert typed.target.startswith("if x:")


def test_every_second_right_suggestion_is_accepted_and_the_others_typed_through() -> None:
    typed = page("first = 1\nsecond = 2\n")
    typed.show("first = 1")
    assert (typed.press(), typed.before, typed.ghost) == ("accept", "first = 1", "")
    typed.press()
    typed.show("second = 2")
    for letter in "sec":
        assert typed.press() == "character"
        assert typed.before.endswith(letter)
    assert typed.ghost == "ond = 2"


@pytest.mark.parametrize("wrong", ["first = 2", "fi", ""])
def test_what_is_wrong_or_short_is_not_accepted(wrong: str) -> None:
    typed = page("first = 1\n")
    typed.show(wrong)
    assert typed.press() == "character"
    assert typed.before == "f"


def test_stretches_begin_at_a_line_and_every_second_has_text_below() -> None:
    files = sorted(TYPED.iterdir())
    pages = list(stretches(files, 0))
    assert [each.path for each in pages] == [path.name for path in files]
    for number, (each, path) in enumerate(zip(pages, files, strict=True)):
        assert each.before + each.target + each.below == path.read_text(encoding="utf-8")
        assert each.before.endswith("\n")
        assert each.below[:1] == ("\n" if number % 2 else "")
    assert pages == list(stretches(files, 0))


# ── keys ────────────────────────────────────────────────────────────────────────────────────


def asked(kind: str = "character", at: float = 10.0, **more: Any) -> Key:
    """A key at ``at``: asked 0.1 s later, begun 0.02 s later, prefilled 0.03 s."""
    values: dict[str, Any] = {
        "source": "request", "asked": at + 0.1, "began": at + 0.12, "prefill_ms": 30.0,
        "texts": [Text(at + 0.2, "return"), Text(at + 0.3, "return 1")], "ended": at + 0.3,
        "final": "return 1", "prompt_tokens": 50, "new_tokens": 3, "completion_tokens": 2,
    }  # fmt: skip
    return Key(kind, at, **(values | more))


def test_the_parts_of_a_key_add_up_to_its_first_text() -> None:
    figures = asked().figures()
    assert figures["first_text_ms"] == pytest.approx(200)
    assert figures["whole_line_ms"] == pytest.approx(300)
    parts = {name: figures[name] for name in bench_typing.PARTS}
    assert parts == pytest.approx(
        {"delay_ms": 100, "queue_ms": 20, "prefill_ms": 30, "first_decode_ms": 50}
    )
    assert sum(parts.values()) == pytest.approx(figures["first_text_ms"])


def test_a_text_that_is_withdrawn_is_not_the_first() -> None:
    key = asked(texts=[Text(10.2, "raise"), Text(10.25, "ret"), Text(10.3, "return 1")])
    assert key.withdrawn == 1
    assert key.figures()["first_text_ms"] == pytest.approx(250)
    assert key.figures()["any_text_ms"] == pytest.approx(200)
    nothing = asked(final="")
    assert nothing.figures() == {}
    assert nothing.withdrawn == 2


def test_a_line_is_whole_before_the_lines_behind_it() -> None:
    key = asked(
        texts=[Text(10.2, "if x"), Text(10.25, "if x:\n  "), Text(10.4, "if x:\n    y")],
        final="if x:\n    y", ended=10.4,
    )  # fmt: skip
    assert key.figures()["whole_line_ms"] == pytest.approx(250)
    assert key.has_line
    assert not asked().has_line
    cut_short = asked(texts=[Text(10.2, "if")], final=None, ended=None)
    assert "whole_line_ms" not in cut_short.figures()


def test_the_summary_counts_sources_and_leaves_cold_cursors_apart() -> None:
    keys = [
        asked("cold", completion_tokens=9), asked("enter"), asked(), asked(final=""),
        asked(final=None, ended=None), Key("character", 1.0, "shown", texts=[Text(1.002, "x")],
        final="x"), Key("enter", 2.0, final=""),
    ]  # fmt: skip
    found = summary(keys, pass_ms=50)
    assert found["sources"] == {"shown": 1, "cache": 0, "request": 5, "none": 1}
    assert (found["keys"], found["unanswered"], found["nothing_shown"]) == (7, 1, 1)
    assert (found["request"]["n"], found["kinds"]["cold"]["n"]) == (4, 1)
    assert found["request"]["first_text_passes"]["p50"] == pytest.approx(4)
    assert found["request"]["completion_tokens"]["max"] == 2
    assert found["shown"]["p50"] == pytest.approx(2)
    assert found["cache"] == {}
    assert json.loads(json.dumps(as_json(keys)))[1]["first_text_ms"] == pytest.approx(200)


def test_a_latency_table_is_one_that_the_replay_takes(tmp_path: Path) -> None:
    keys = [
        asked(completion_tokens=4), asked(completion_tokens=6), asked(completion_tokens=5),
        asked(completion_tokens=40, ended=12.1),
    ]  # fmt: skip
    table = latency_table("tiny", keys)
    assert table["first_text_ms"] == pytest.approx(100)
    rows = dict(table["latency_ms"])
    assert rows[8] == pytest.approx(200)
    assert rows[64] == pytest.approx(2000)
    assert rows[8] <= rows[16] <= rows[32] <= rows[64] <= rows[512]
    file = tmp_path / "table.json"
    file.write_text(json.dumps(table))
    assert read_latency(file).answer_ms(40) == rows[64]
    assert latency_table("tiny", [asked(final="")]) is None


# ── passes ──────────────────────────────────────────────────────────────────────────────────


def passes_of_a_line() -> Passes:
    """In doubt for a pass, unlikely for two, then taken back; another line took three more."""
    bad, good = "bad(self)\n", "good(self):\n    pass"
    return Passes(
        rows=[70, 4, 1, 1, 3, 1, 1],
        written=[
            (1, "b"),
            (2, "ba"),
            (3, "bad("),
            (4, bad),
            (5, "good("),
            (6, good[:12]),
            (7, good),
        ],
        told=[(3, "bad("), (6, "good(self):"), (7, good)],
        undoubted=[(1, ""), (2, "ba"), (3, "bad("), (5, "good(")],
    )


def test_each_pass_before_the_first_text_is_spent_on_one_thing() -> None:
    spent = passes_of_a_line().spent("good(self):\n    pass")
    assert (spent.first, spent.line, spent.tokens, spent.rows) == (6, 7, 7, 81)
    assert spent.on == {"first token": 1, "in doubt": 1, "not sure yet": 2, "another line": 2}
    assert passes_of_a_line().spent("bad(").on == {
        "first token": 1, "in doubt": 1, "not sure yet": 1, "another line": 0,
    }  # fmt: skip


def test_the_slowest_tenth_is_told() -> None:
    quick = Passes([2], [(1, "x")], [(1, "x")], [(1, "x")])
    answers = [(f"{n} ", "x", quick) for n in range(11)]
    found = passes_summary([*answers, ("def ", "good(self):\n", passes_of_a_line())])
    assert (found["n"], found["first_text"]["p50"], found["first_text"]["max"]) == (12, 1, 6)
    assert [each["before"] for each in found["slowest"]] == ["def ", "0 "]
    assert found["tokens_per_pass"] == pytest.approx(1)


# ── a run ───────────────────────────────────────────────────────────────────────────────────


def test_a_run_on_a_real_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(bench_typing, "Memory", lambda: Memory(1 << 22))
    monkeypatch.setattr(bench_typing, "ended_in_order", lambda: None)
    model = write_tiny_gguf(tmp_path / "tiny.gguf", context=512)
    texts = tmp_path / "texts"
    texts.mkdir()
    (texts / "a.py").write_text(SOURCE * 3)
    keys_out, table_out = tmp_path / "keys.json", tmp_path / "table.json"
    bench_typing.main([
        "--model", str(model), "--texts", str(texts), "--keys", "5", "--no-delay", "--threads", "1",
        "--cold", "60", "--pace-ms", "0", "--cold-rounds", "1", "--no-knowledge", "--passes",
        "--keys-out", str(keys_out), "--latency-out", str(table_out),
    ])  # fmt: skip
    text, _, last = capsys.readouterr().out.rstrip().rpartition("\n")
    (run,) = json.loads(last)["runs"]
    keys = json.loads(keys_out.read_text())
    assert run["keys"] == 5 == sum(run["sources"].values())
    assert keys[0]["kind"] == "cold"
    assert len(keys) == 6  # with the one in a new file
    for key in keys:
        if key["source"] == "request":
            assert key["pressed"] <= key["asked"] <= key["began"] <= key["ended"]
            assert 0 < key["new_tokens"] <= key["prompt_tokens"]
    warm = [key for key in keys[1:5] if key["source"] == "request" and key["kind"] == "character"]
    assert all(key["new_tokens"] < key["prompt_tokens"] for key in warm)
    assert run["cold"]["60"]["n"] == 1
    assert run["cold"]["60"]["new_tokens"]["p50"] > 40
    assert run["pass_ms"] == pytest.approx(
        1e3 * json.loads(last)["weight_bytes_per_token"] / run["bandwidth_bytes_per_second"],
        rel=1e-4,
    )
    for key in keys:
        if key["source"] == "request":
            assert sum(key["passes"]["rows"]) >= key["new_tokens"]
            assert 1 <= key["passes"]["written"][-1][0] <= len(key["passes"]["rows"])
    assert run["counted"]["n"] == sum(bool(key["final"]) for key in keys if key["kind"] != "cold")
    assert read_latency(table_out).model == "tiny"
    assert "new file, 60 tokens around" in text


def test_speculation_is_refused_where_the_engine_cannot_be_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert bench_typing.switches("default") == [None]

    def cannot(model: str | None = None, *, threads: int | None = None) -> None:
        """Open without a choice."""

    def can(model: str | None = None, *, speculation: bool = True) -> None:
        """Open with one."""

    monkeypatch.setattr(Session, "open", cannot)
    assert "speculation" not in inspect.signature(Session.open).parameters
    with pytest.raises(SystemExit, match="takes no such choice"):
        bench_typing.switches("both")
    monkeypatch.setattr(Session, "open", can)
    assert bench_typing.switches("both") == [False, True]
