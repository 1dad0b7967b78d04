"""One edit from its instruction to its end, without a screen and an engine."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.protocol.editing import EditRequest, EditTurn
from tests.tui.app.fakes import demo_edit
from tui.assist.edit_draft import EditDraft

TEXT = "a = 1\nb = 2\nc = 3\n"


def draft() -> EditDraft:
    return EditDraft(EditRequest("a.py", TEXT, 2, 3, "", private_patterns=("*.key",)))


def test_a_request_says_where_and_what() -> None:
    one = draft()
    request = one.ask("Double it.")
    assert (request.path, request.text, request.first, request.last) == ("a.py", TEXT, 2, 3)
    assert (request.instruction, request.earlier) == ("Double it.", ())
    assert request.private_patterns == ("*.key",)
    assert one.phase == "writing"


def test_a_later_instruction_carries_what_was_written() -> None:
    one = draft()
    one.ask("Double it.")
    one.ask("Now.")  # nothing was written yet, so nothing is said of it
    one.write("b = 4\nc =")
    assert one.ask("No, halve it.").earlier == (EditTurn("Now.", "b = 4\nc ="),)
    one.finish(demo_edit("b = 1\nc = 1.5"))
    turns = one.ask("Better names.").earlier
    assert [turn.instruction for turn in turns] == ["Now.", "No, halve it."]
    assert turns[-1].answer == "b = 1\nc = 1.5"


def test_accepted_hunks_are_in_the_result_and_others_are_not() -> None:
    one = draft()
    one.ask("Double it.")
    one.finish(demo_edit("b = 4\nc = 3"))
    assert one.phase == "deciding"
    assert one.verdicts == ["open"]
    assert one.result == ["b = 2", "c = 3"]
    one.decide(0, "accepted")
    assert one.decided
    assert one.result == ["b = 4", "c = 3"]


def test_what_is_refused_cannot_be_accepted() -> None:
    for edit, reason in (
        (demo_edit("b = (", "it would no longer parse"), "no longer parse"),
        (demo_edit("b = 2\nc = 3"), "would change nothing"),
        (replace(demo_edit("b = 4"), refused="stopped"), "stopped"),
    ):
        one = draft()
        one.ask("Do it.")
        one.finish(edit)
        assert (one.phase, reason in one.problem) == ("refused", True)
        one.decide_rest("accepted")
        assert not one.decided
        assert one.result == ["b = 2", "c = 3"]
        assert [row.kind for row in one.rows()] == ["same", "same"]


def test_what_comes_too_late_changes_nothing() -> None:
    one = draft()
    one.write("x")
    one.finish(demo_edit("x"))
    assert one.phase == "asking"
    one.ask("Do it.")
    one.fail("the engine ended")
    one.write("x")
    assert [row.text for row in one.rows()] == ["b = 2", "c = 3"]


ANSWERS = st.text(st.sampled_from('ab =\t\n"()\x1b字'), max_size=60)
STEPS = st.one_of(
    st.tuples(st.just("write"), ANSWERS),
    st.tuples(st.just("finish"), ANSWERS),
    st.tuples(st.just("refuse"), ANSWERS),
    st.tuples(st.just("ask"), ANSWERS),
    st.tuples(st.sampled_from(["accept", "reject"]), st.integers(0, 9)),
    st.tuples(st.sampled_from(["accepted", "rejected"]), st.none()),
)


@given(st.lists(STEPS, max_size=12))
def test_whatever_is_said_and_decided_only_the_lines_change(steps: list[Any]) -> None:
    """In any order: pieces before the question, verdicts on nothing, an answer after the end."""
    one = draft()
    said = [one.before]
    for step, value in steps:
        match step:
            case "write":
                one.write(value)
            case "finish" | "refuse":
                one.finish(demo_edit(value, "no" if step == "refuse" else None))
                said.append(value.split("\n"))
            case "ask":
                assert one.ask(value).text == TEXT
            case "accept" | "reject" if one.verdicts:
                one.decide(
                    value % len(one.verdicts), "accepted" if step == "accept" else "rejected"
                )
            case "accepted" | "rejected":
                one.decide_rest(step)
        rows = one.rows()
        kept = [row.text for row in rows if row.kind in ("same", "removed", "ahead")]
        if "accepted" not in one.verdicts and one.phase != "writing":
            assert kept == list(one.before)
            assert one.result == list(one.before)
        assert {*one.result} <= {line for lines in said for line in lines}
        assert one.text == TEXT


def test_what_was_offered_stays_where_steering_gives_nothing() -> None:
    for nothing in (demo_edit("b = 2\nc = 3"), demo_edit("b = (", "it would no longer parse")):
        one = draft()
        one.ask("Double them.")
        one.finish(demo_edit("b = 4\nc = 3"))
        one.ask("Only c.")
        assert one.phase == "writing"
        one.finish(nothing)
        assert one.phase == "deciding"
        assert one.problem
        one.decide_rest("accepted")
        assert one.result == ["b = 4", "c = 3"]


def test_what_was_offered_is_gone_once_steering_gives_something() -> None:
    one = draft()
    one.ask("Double them.")
    one.finish(demo_edit("b = 4\nc = 3"))
    one.ask("Only c.")
    one.finish(demo_edit("b = 2\nc = 6"))
    one.ask("Add a comment.")
    one.fail("the engine is gone")
    assert (one.phase, one.problem) == ("deciding", "the engine is gone")
    one.decide_rest("accepted")
    assert one.result == ["b = 2", "c = 6"]
