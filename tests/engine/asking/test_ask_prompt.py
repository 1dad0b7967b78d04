"""What a model is shown for a question, as a person can read it."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.asking.ask_prompt import READ_TOKENS, AskPrompt, fit_prompt
from engine.asking.excerpts import Excerpt, Excerpts, Why
from engine.asking.passages import Passage
from engine.chat.chat_styles import ChatTurn, find_chat_style
from engine.errors import PromptError
from engine.protocol.asking import AskRequest, AskTurn
from tests.engine_tokenizers import chat_tokenizer

TOKENIZER = chat_tokenizer()
REQUEST = AskRequest("What is f?", max_tokens=50)


def encode(turns: Sequence[ChatTurn]) -> list[int]:
    style = find_chat_style(TOKENIZER)
    assert style is not None
    return style.encode(TOKENIZER, turns, "")


def excerpt(why: Why, text: str, path: str = "a.py", first: int = 1) -> Excerpt:
    return Excerpt(Passage(path, first, tuple(text.split("\n"))), why)


def fitted(
    request: AskRequest, *wanted: Excerpt, context: int = 4096, left_out: Sequence[str] = ()
) -> AskPrompt:
    found = Excerpts(list(wanted), list(left_out))
    return fit_prompt(request, found, context, encode, lambda text: len(text.encode()))


def text_of(prompt: AskPrompt) -> str:
    return b"".join(TOKENIZER.token_bytes(i) for i in prompt.encoded).decode()


def test_the_question_comes_last_and_what_matters_most_next_to_it() -> None:
    prompt = fitted(
        REQUEST,
        excerpt("selected", "x = f()", first=7),
        excerpt("defines", "def f(): ...", "b.py"),
        excerpt("similar", "g()", "c.go"),
    )
    assert prompt.asked == (
        "From `c.go`, lines 1 to 1:\n```go\ng()\n```\n\n"
        "From `b.py`, lines 1 to 1:\n```python\ndef f(): ...\n```\n\n"
        "These lines are selected in `a.py`, lines 7 to 7:\n```python\nx = f()\n```\n\n"
        "Question: What is f?"
    )
    assert [(part.path, part.first, part.last, part.why) for part in prompt.parts] == [
        ("a.py", 7, 7, "selected"),
        ("b.py", 1, 1, "defines"),
        ("c.go", 1, 1, "similar"),
    ]


def test_a_follow_up_goes_on_where_the_conversation_stood() -> None:
    """The ids of the first question and its answer begin those of the second."""
    first = fitted(REQUEST, excerpt("open", "x = 1"))
    turn = AskTurn(REQUEST.question, "It is g.", first.asked)
    second = fitted(replace(REQUEST, question="Why?", earlier=(turn,)), excerpt("open", "x = 1"))
    shared = [*first.encoded, *TOKENIZER.encode_part("It is g.")]
    assert second.encoded[: len(shared)] == shared
    assert second.asked == "Question: Why?"  # what was shown is not shown again
    assert [part.path for part in second.parts] == ["a.py"]  # but it was read


def test_lines_that_were_shown_in_another_cut_are_not_shown_again() -> None:
    first = fitted(REQUEST, excerpt("defines", "x = 1"), excerpt("open", "y = 2\n\nz = 3"))
    turn = AskTurn("Q", "A", first.asked)
    request = replace(REQUEST, earlier=(turn,))
    assert "x = 1" not in fitted(request, excerpt("open", "x = 1\ny = 2")).asked
    assert "x = 1" in fitted(request, excerpt("open", "x = 1", "b.py")).asked


def test_what_is_selected_is_shown_again() -> None:
    turn = AskTurn("Q", "A", fitted(REQUEST, excerpt("open", "x = 1\ny = 2")).asked)
    asked = fitted(replace(REQUEST, earlier=(turn,)), excerpt("selected", "y = 2", first=2)).asked
    assert asked.startswith("These lines are selected in `a.py`, lines 2 to 2:\n```python\ny = 2\n")


def test_a_question_about_this_function_says_which() -> None:
    text = "def f():\n    pass\n\ndef g():\n    pass"
    request = AskRequest("What does this do?", path="a.py", text=text, line=5)
    assert fitted(request, excerpt("open", text)).asked.endswith(
        "\n\nThe cursor stands in `def g():`, line 4 of the file.\nQuestion: What does this do?"
    )
    assert fitted(request).asked == "Question: What does this do?"  # the file is private


def test_lines_that_changed_are_shown_again() -> None:
    turn = AskTurn("Q", "A", fitted(REQUEST, excerpt("open", "x = 1")).asked)
    prompt = fitted(replace(REQUEST, earlier=(turn,)), excerpt("open", "x = 2"))
    assert "x = 2" in prompt.asked


def test_a_turn_from_the_disk_is_its_question_alone() -> None:
    prompt = fitted(replace(REQUEST, earlier=(AskTurn("Who?", "Me."),)))
    assert "Question: Who?" in text_of(prompt)


def test_what_has_no_room_is_named() -> None:
    lines = "\n".join(f"line {i}" for i in range(40))
    wanted = [excerpt("similar", lines, f"{name}.py") for name in "abcdef"]
    prompt = fitted(REQUEST, *wanted, left_out=["x is private"])
    assert len(prompt.asked) < READ_TOKENS + 200
    assert prompt.left_out[0] == "x is private"
    assert prompt.left_out[1].startswith("for lack of room: ")
    assert "f.py:1-40" in prompt.left_out[1]


def test_a_selection_has_more_room_and_is_cut_at_its_end() -> None:
    lines = "\n".join(f"line {i}" for i in range(1000))
    prompt = fitted(REQUEST, excerpt("selected", lines), context=4096)
    assert len(prompt.encoded) > 2 * READ_TOKENS
    assert "line 0\nline 1" in prompt.asked
    assert prompt.parts[0].last < 1000
    assert prompt.left_out == (f"for lack of room: a.py:{prompt.parts[0].last + 1}-1000",)


def test_the_oldest_turns_are_forgotten_and_stay_so() -> None:
    """Half of the room is kept, so that the next questions begin as this one does."""
    turns = tuple(AskTurn(f"Question {i}?", "answer " * 20) for i in range(12))
    prompt = fitted(replace(REQUEST, earlier=turns), context=1500)
    assert 0 < prompt.forgotten < 12
    assert f"the first {prompt.forgotten} turns" in prompt.left_out[-1]
    kept = turns[prompt.forgotten :]
    again = fitted(replace(REQUEST, question="And?", earlier=(*kept, turns[0])), context=1500)
    assert again.forgotten == 0


@pytest.mark.parametrize(("question", "reason"), [(" \n", "empty"), ("x" * 5000, "in at most")])
def test_what_cannot_be_asked(question: str, reason: str) -> None:
    with pytest.raises(PromptError, match=reason):
        fitted(replace(REQUEST, question=question))


TEXTS = st.text(st.characters(codec="utf-8"), max_size=400)


@given(
    st.integers(400, 3000),
    st.integers(1, 5000),
    st.text(st.characters(codec="utf-8"), min_size=1, max_size=300),
    st.lists(st.tuples(TEXTS, TEXTS, TEXTS), max_size=6),
    st.lists(st.tuples(st.sampled_from(["selected", "open", "defines", "similar"]), TEXTS)),
)
def test_a_prompt_with_its_answer_never_exceeds_the_context(
    context: int,
    most: int,
    question: str,
    earlier: list[tuple[str, str, str]],
    wanted: list[tuple[Why, str]],
) -> None:
    turns = tuple(AskTurn(*turn) for turn in earlier)
    request = AskRequest(question, earlier=turns, max_tokens=most)
    try:
        prompt = fitted(request, *(excerpt(*each) for each in wanted), context=context)
    except PromptError:
        return
    assert len(prompt.encoded) + prompt.most_tokens <= context
    assert prompt.most_tokens >= 1
    assert question.strip() in prompt.asked


def test_with_instructions_of_its_own_a_conversation_is_taken_word_for_word() -> None:
    earlier = (AskTurn("one", "1", asked="one"),)
    prompt = fitted(replace(REQUEST, instructions="Be brief.", earlier=earlier))
    turns = [ChatTurn("system", "Be brief."), ChatTurn("user", "one"),
             ChatTurn("assistant", "1"), ChatTurn("user", "What is f?")]  # fmt: skip
    assert prompt.encoded == encode(turns)
    assert prompt.asked == "What is f?"
    untold = fitted(replace(REQUEST, instructions=""))
    assert untold.encoded == encode([ChatTurn("user", "What is f?")])
