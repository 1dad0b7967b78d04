"""Conversations: what goes along with a question, and what becomes of a turn."""

from engine.protocol.asking import AskReply, AskTurn, Reading, ReadPart
from tests.tui.cli.conftest import HOST, WAFER
from tui.assist.conversation import REMEMBERED, AskedFrom, AskedTurn, Conversation, request_of

PART = ReadPart("a.py", 1, 2, "open")


def reply(text: str = "One.", reason: str = "stop", forgotten: int = 0) -> AskReply:
    return AskReply(text, reason, "said", forgotten, (PART,), ("b: no",), "m", 9, 1, 3, HOST, WAFER)


def answered(conversation: Conversation, number: int, question: str = "Q") -> AskedTurn:
    turn, _ = conversation.begin(question, AskedFrom(), number)
    assert conversation.answered(number, reply(), "") is turn
    return turn


def test_a_turn_from_question_to_answer() -> None:
    talk = Conversation()
    turn, earlier = talk.begin("What?", AskedFrom("a.py", "x"), 7)
    assert (earlier, talk.running, talk.request_id) == ((), turn, 7)
    assert talk.reading(7, Reading((PART,), ("b: no",), 90)) is turn
    assert (turn.parts, turn.left_out, turn.prompt_tokens) == ((PART,), ("b: no",), 90)
    assert talk.wrote(7, "On") is turn
    assert talk.answered(7, reply(), "") is turn
    assert (turn.answer, turn.asked, turn.ended, talk.running) == ("One.", "said", True, None)


def test_the_turns_before_go_along_as_they_were_shown() -> None:
    talk = Conversation()
    answered(talk, 1, "Who?")
    _, earlier = talk.begin("Why?", AskedFrom(), 2)
    assert earlier == (AskTurn("Who?", "One.", "said"),)


def test_a_turn_without_an_answer_does_not_go_along() -> None:
    talk = Conversation()
    talk.begin("Who?", AskedFrom(), 1)
    talk.failed("no engine", 1)
    assert talk.begin("Why?", AskedFrom(), 2)[1] == ()


def test_what_the_context_has_no_room_for_stays_out() -> None:
    talk = Conversation()
    for number in (1, 2, 3):
        answered(talk, number, str(number))
    talk.begin("4", AskedFrom(), 4)
    talk.answered(4, reply(forgotten=2), "")
    _, earlier = talk.begin("5", AskedFrom(), 5)
    assert [turn.question for turn in earlier] == ["3", "4"]


def test_of_an_earlier_start_the_last_turns_go_along_as_questions_alone() -> None:
    old = [AskedTurn(str(i), answer="A", ended=True) for i in range(10)]
    _, earlier = Conversation(old).begin("Q", AskedFrom(), 1)
    assert [turn.question for turn in earlier] == ["7", "8", "9"]
    assert len(earlier) == REMEMBERED
    assert all(turn.asked == "" for turn in earlier)


def test_answers_to_other_requests_change_nothing() -> None:
    talk = Conversation()
    turn, _ = talk.begin("Q", AskedFrom(), 2)
    assert talk.wrote(1, "x") is None
    assert talk.answered(1, reply(), "") is None
    assert talk.failed("no", 1) is None
    assert (turn.answer, turn.ended) == ("", False)


def test_a_stopped_turn_still_learns_what_it_took() -> None:
    talk = Conversation()
    turn, _ = talk.begin("Q", AskedFrom(), 1)
    talk.wrote(1, "On")
    assert talk.stopped() is turn
    assert (turn.ended, turn.note, talk.running) == (True, "stopped", None)
    assert talk.wrote(1, "One.") is None
    assert talk.answered(1, reply("On", "cancelled"), "stopped") is turn
    assert (turn.answer, turn.asked, turn.note) == ("On", "said", "stopped")


def test_the_end_of_a_stopped_turn_is_not_that_of_the_next() -> None:
    talk = Conversation()
    talk.begin("Q", AskedFrom(), 1)
    talk.stopped()
    turn, _ = talk.begin("R", AskedFrom(), 2)
    assert talk.answered(1, reply(), "") is None
    assert not turn.ended


def test_an_empty_answer_says_so() -> None:
    talk = Conversation()
    turn, _ = talk.begin("Q", AskedFrom(), 1)
    talk.answered(1, reply(""), "")
    assert "said nothing" in turn.note


def test_a_request_has_the_place_and_the_turns() -> None:
    place = AskedFrom("a.py", "x\ny", 5, 6, 5, 6)
    earlier = (AskTurn("Q", "A", "said"),)
    request = request_of(AskedTurn("Why?", place), earlier, "/r", ("*.key",))
    assert (request.question, request.path, request.text) == ("Why?", "a.py", "x\ny")
    assert (request.start, request.line, request.first, request.last) == (5, 6, 5, 6)
    assert (request.earlier, request.repository) == (earlier, "/r")
    assert request.private_patterns == ("*.key",)
