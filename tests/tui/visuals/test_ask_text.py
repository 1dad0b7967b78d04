"""The lines around an answer."""

from engine.protocol.asking import ReadPart
from tests.tui.assist.test_conversation import reply
from tui.assist.conversation import AskedTurn
from tui.visuals.ask_text import finish_text, progress_text, shown_cost, sources_text


def test_sources_say_where_and_why() -> None:
    parts = (ReadPart("a.py", 3, 9, "selected"), ReadPart("b/c.go", 1, 20, "defines"))
    assert sources_text(parts) == "a.py:3-9 (selected), b/c.go:1-20 (definition)"
    assert sources_text(()) == ""
    assert sources_text([ReadPart("a.py", 2, 2, "selected")]) == "a.py:2 (selected)"
    parts = (ReadPart("a.py", 3, 4, "open"), ReadPart("b", 1, 2, "similar"), *parts)
    parts = (*parts, ReadPart("a.py", 20, 24, "open"))
    assert sources_text(parts) == (
        "a.py:3-4, 20-24 (open), 3-9 (selected), b:1-2 (similar), b/c.go:1-20 (definition)"
    )


def test_the_cost_has_both_clocks_with_their_names() -> None:
    turn = AskedTurn("Q", reply=reply(), ended=True)
    assert shown_cost(turn) == (
        "host 52 ms, 100 tokens/s · wafer 8 500 cycles/token (100 000/s at 0.85 GHz, wse3) · m"
    )
    assert shown_cost(AskedTurn("Q", cost="as told then")) == "as told then"


def test_what_goes_on_before_the_first_word() -> None:
    turn = AskedTurn("Q")
    assert progress_text(turn) == "looking through the repository …"
    turn.prompt_tokens = 1071
    assert progress_text(turn) == "reading 1 071 tokens …"
    turn.answer = "x"
    assert progress_text(turn) == ""


def test_an_answer_that_is_not_whole_says_why() -> None:
    assert finish_text("stop") == ""
    assert "repeated itself" in finish_text("repeats")
    assert "cut" in finish_text("length")
    assert finish_text("cancelled") == "stopped"
