"""Answers by a model that says a fixed text."""

import subprocess
from itertools import pairwise
from pathlib import Path

import pytest
from msgspec.structs import replace

from engine.asking.answer_writer import AnswerWriter
from engine.completion.stats import WaferMeter
from engine.errors import PromptError
from engine.generation.generator import Generator
from engine.protocol.asking import AskReply, AskRequest, AskTurn, Reading
from engine.tokenizer import Tokenizer
from tests.canned import CannedWafer, canned_machine_info, canned_model_info
from tests.engine.editing.test_rewriter import Eager
from tests.engine_tokenizers import byte_tokenizer, chat_tokenizer

REQUEST = AskRequest("What is f?", path="a.py", text="def f():\n    return 1\n", line=1)


def asker(says: str, tokenizer: Tokenizer | None = None) -> AnswerWriter:
    wafer = CannedWafer(says, context_length=4096)
    meter = WaferMeter(canned_machine_info(), wafer.placed, 4096)
    return AnswerWriter(canned_model_info(), tokenizer or chat_tokenizer(), Generator(wafer), meter)


def ask(
    request: AskRequest = REQUEST, says: str = "It is 1.", after: int = 10**6
) -> tuple[AskReply, list[Reading], list[str]]:
    """Ask, and cancel once so many texts are there."""
    readings: list[Reading] = []
    texts: list[str] = []
    reply = asker(says).ask(request, readings.append, texts.append, lambda: len(texts) >= after)
    return reply, readings, texts


def test_an_answer_grows_and_ends() -> None:
    reply, readings, texts = ask(says="  It is 1.\n")
    assert (reply.text, reply.finish_reason) == ("It is 1.", "stop")
    assert texts[0] == "I"
    assert all(later.startswith(text) for text, later in pairwise(texts))
    assert [part.why for part in reply.parts] == ["open"]
    assert readings == [Reading(reply.parts, reply.left_out, reply.prompt_tokens)]
    assert "def f()" in reply.asked
    assert reply.completion_tokens == len("  It is 1.\n")
    assert reply.wafer.cycles_per_token > 0


def test_a_follow_up_computes_what_is_new() -> None:
    one = asker("It is 1.")
    first = one.ask(REQUEST, lambda _: None, lambda _: None, lambda: False)
    turn = AskTurn(REQUEST.question, first.text, first.asked)
    follow_up = replace(REQUEST, question="Why?", earlier=(turn,))
    second = one.ask(follow_up, lambda _: None, lambda _: None, lambda: False)
    assert second.cached_tokens >= first.prompt_tokens + first.completion_tokens - 1
    assert second.prompt_tokens - second.cached_tokens < 40


def test_quoted_code_is_guessed_and_the_text_is_the_same() -> None:
    """The answer quotes what was shown, then says something else."""
    says = "It is `def f():\n    return 1`, and that is all."
    plain, _, _ = ask(says=says)
    wafer = CannedWafer(says, context_length=4096)
    meter = WaferMeter(canned_machine_info(), wafer.placed, 4096)
    guessing = AnswerWriter(
        canned_model_info(), chat_tokenizer(), Generator(wafer, None, Eager()), meter
    )
    guessed = guessing.ask(REQUEST, lambda _: None, lambda _: None, lambda: False)
    assert (guessed.text, guessed.completion_tokens) == (plain.text, plain.completion_tokens)
    assert guessed.host.accepted_tokens > 10
    assert plain.host.accepted_tokens == 0


def test_an_answer_is_stopped() -> None:
    reply, _, _ = ask(says="x" * 40, after=5)
    assert (reply.finish_reason, reply.text) == ("cancelled", "x" * 5)


def test_an_answer_that_goes_in_circles_is_stopped() -> None:
    reply, _, _ = ask(says="again. " * 100)
    assert reply.finish_reason == "repeats"
    assert reply.completion_tokens < 100


def test_an_answer_may_be_cut() -> None:
    reply, _, _ = ask(AskRequest("What?", max_tokens=4), says="It is one.")
    assert (reply.finish_reason, reply.text) == ("length", "It i")


def test_a_model_that_only_completes_says_so() -> None:
    with pytest.raises(PromptError, match=r"canned only completes; .*such as qwen2.5-coder-0.5b"):
        asker("x", byte_tokenizer()).ask(REQUEST, lambda _: None, lambda _: None, lambda: False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    (tmp_path / ".gitignore").write_text("out/\n")
    (tmp_path / "lamp.py").write_text("def lamp():\n    return 'on'\n")
    (tmp_path / "out").mkdir()
    for name in ("out/made.py", "my.key"):
        (tmp_path / name).write_text("lamp_secret = 1\n")
    return tmp_path


@pytest.mark.parametrize(
    ("path", "why"), [("out/made.py", "ignored by git"), ("my.key", "private")]
)
def test_a_closed_file_never_reaches_the_model(repository: Path, path: str, why: str) -> None:
    request = AskRequest(
        "What is lamp_secret?", path, "lamp_secret = 1\n", repository=str(repository)
    )
    reply, _, _ = ask(request)
    assert "lamp_secret =" not in reply.asked
    assert why in reply.left_out[0]
    with pytest.raises(PromptError, match=why):
        ask(replace(request, first=1, last=1))


def test_a_link_to_a_closed_file_is_closed(repository: Path) -> None:
    (repository / "plain.py").symlink_to(repository / "my.key")
    request = AskRequest("lamp_secret?", "plain.py", "lamp_secret = 1", repository=str(repository))
    assert "lamp_secret =" not in ask(request)[0].asked


def test_own_patterns_hold_without_a_repository() -> None:
    request = AskRequest("f?", "a.py", "hidden = 1", private_patterns=("a.py",))
    assert "hidden" not in ask(request)[0].asked


def test_the_repository_is_read(repository: Path) -> None:
    reply, _, _ = ask(AskRequest("What does `lamp` return?", repository=str(repository)))
    assert [(part.path, part.why) for part in reply.parts] == [("lamp.py", "defines")]


def test_a_selection_tells_what_explain_means(repository: Path) -> None:
    text = "x = 1\n" * 200 + "turn_on(lamp)\n"
    (repository / "door.py").write_text("def turn_on(x):\n    pass\n")
    request = AskRequest(
        "explain this", "new.py", text, first=201, last=201, repository=str(repository)
    )
    parts = ask(request)[0].parts
    assert [(part.path, part.first, part.why) for part in parts] == [
        ("new.py", 201, "selected"),
        ("door.py", 1, "defines"),
        ("new.py", 189, "open"),
    ]


def test_a_definition_in_the_open_file_is_shown_whole_and_once(repository: Path) -> None:
    lines = [f"x{i} = {i}" for i in range(1, 21)]
    text = "\n".join([*lines, "def lamp():", "    return 1", *lines])
    request = AskRequest("`lamp`?", "lamp.py", text, line=15, repository=str(repository))
    parts = ask(request)[0].parts
    assert [(part.path, part.first, part.last, part.why) for part in parts] == [
        ("lamp.py", 21, 22, "defines"),
        ("lamp.py", 1, 20, "open"),
        ("lamp.py", 23, 42, "open"),
    ]


def test_a_part_of_a_file_has_the_files_numbers() -> None:
    text = "\n".join(f"line {i}" for i in range(1001, 1401))
    request = AskRequest("What?", "big.py", text, start=1001, first=1200, last=1201)
    parts = ask(request)[0].parts
    assert [(part.first, part.last) for part in parts] == [(1200, 1201), (1188, 1199), (1202, 1213)]


def test_a_selection_outside_of_the_text_is_refused() -> None:
    with pytest.raises(PromptError, match=r"lines 3–9 of a.py are selected, and its text has 1–3"):
        ask(AskRequest("What?", "a.py", "1\n2\n3", first=3, last=9))
