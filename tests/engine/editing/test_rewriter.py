"""Edits by a model that says a fixed text."""

from collections.abc import Sequence
from os.path import expanduser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.completion.stats import WaferMeter
from engine.editing.rewriter import Rewriter
from engine.errors import PromptError
from engine.generation.generator import Generator
from engine.generation.speculation import MAX_GUESSED, Guess, GuessSource, Speculation
from engine.protocol.editing import Edit, EditRequest
from engine.tokenizer import Tokenizer
from tests.canned import CannedWafer, canned_machine_info, canned_model_info
from tests.engine_tokenizers import byte_tokenizer, chat_tokenizer

CHAT = chat_tokenizer()
TEXT = "def f(x):\n    y = x\n    return y\n\nz = f(1)\n"
REQUEST = EditRequest("a.py", TEXT, 2, 3, "Return x at once.")


class Eager(Speculation):
    """Verifies all that is guessed; a clock plays no part."""

    def ask(self, source: GuessSource, most: int) -> Sequence[Guess]:
        return source(min(most, MAX_GUESSED))

    def best(self, guesses: Sequence[Guess]) -> Sequence[int]:
        return guesses[0].tokens if guesses else ()


def rewriter(
    says: str, tokenizer: Tokenizer = CHAT, *, speculates: bool = False, context: int = 4096
) -> Rewriter:
    wafer = CannedWafer(says, context_length=context)
    generator = Generator(wafer, None, Eager() if speculates else None)
    meter = WaferMeter(canned_machine_info(), wafer.placed, context)
    return Rewriter(canned_model_info(), tokenizer, generator, meter)


def edit(says: str, request: EditRequest = REQUEST, **options: object) -> tuple[Edit, list[str]]:
    told: list[str] = []
    made = rewriter(says, **options)  # type: ignore[arg-type]
    return made.rewrite(request, told.append, lambda: False), told


def test_lines_are_rewritten_as_the_model_says() -> None:
    done, told = edit("return x\n```\nDone.")
    assert (done.text, done.refused, done.parses) == ("    return x", None, True)
    assert told[0] == "    r"
    assert told[-1] == "    return x"
    assert done.completion_tokens == len("return x\n```")
    assert done.host.first_text_ms > 0


def test_a_fence_is_never_shown_while_it_is_written() -> None:
    _, told = edit("return x\n```")
    assert not any("`" in each for each in told)


def test_a_turn_may_end_without_a_fence() -> None:
    assert edit("return x")[0].text == "    return x"


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("return (x\n```", "no longer parse: '(' was never closed in line 2"),
        ("y = x\nreturn y\n```", "would change nothing"),
        ("x" * 400, "not finished after 341 tokens"),
    ],
    ids=["parses not", "changes nothing", "has no end"],
)
def test_what_should_not_be_applied_is_refused_with_the_reason(says: str, reason: str) -> None:
    assert reason in str(edit(says)[0].refused)


class SecondThoughts(CannedWafer):
    """Says another text once it reads on behind what it said."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first, context_length=4096)
        self._second = [7 + byte for byte in second.encode()] + [0]
        self.attempts = 1

    def rewind(self, position: int) -> None:
        super().rewind(position)
        if position:
            self._tokens, self.attempts = self._second, self.attempts + 1


def second_attempt(first: str, second: str) -> tuple[Edit, list[str], SecondThoughts]:
    wafer, told = SecondThoughts(first, second), list[str]()
    meter = WaferMeter(canned_machine_info(), wafer.placed, 4096)
    made = Rewriter(canned_model_info(), CHAT, Generator(wafer), meter)
    return made.rewrite(REQUEST, told.append, lambda: False), told, wafer


def test_a_model_may_mend_what_it_is_told_about_once() -> None:
    done, told, wafer = second_attempt("return (x\n```", "return x\n```")
    assert (done.text, done.refused, done.parses) == ("    return x", None, True)
    assert told[-1] == "    return x"
    assert done.completion_tokens == len("return (x\n```") + len("return x\n```")
    assert wafer.attempts == 2
    assert second_attempt("return x\n```", "y\n```")[2].attempts == 1  # nothing to mend


def test_a_second_attempt_that_is_no_better_leaves_the_first() -> None:
    done, told, _ = second_attempt("return (x\n```", "return ((x\n```")
    assert done.text == told[-1] == "    return (x"
    assert "no longer parse" in str(done.refused)


def test_python_refuses_more_than_its_grammar_does() -> None:
    done, _ = edit("return x\n```", replace(REQUEST, first=1, last=3))
    assert "'return' outside function" in str(done.refused)


def test_where_the_file_did_not_parse_before_nobody_can_tell() -> None:
    broken = replace(REQUEST, text=TEXT + "def (")
    assert edit("return (x\n```", broken)[0].parses is None
    assert edit("return (x\n```", broken)[0].refused is None
    assert edit("return (x\n```", replace(REQUEST, path="a.js"))[0].parses is None


def test_an_edit_that_is_stopped_is_none() -> None:
    done = rewriter("return x\n```").rewrite(REQUEST, lambda text: None, lambda: True)
    assert done.refused == "stopped"


@settings(deadline=None)
@given(st.text(max_size=80), st.integers(1, 6), st.integers(0, 5))
def test_nothing_outside_the_lines_changes(says: str, first: int, more: int) -> None:
    request = replace(REQUEST, first=first, last=min(6, first + more))
    done, _ = edit(says.replace("\r", ""), request)
    lines = TEXT.split("\n")
    whole = request.applied(done.text)
    before, after = lines[: first - 1], lines[request.last :]
    written = whole.split("\n")
    assert written[: len(before)] == before
    assert written[len(written) - len(after) :] == after


def test_guesses_change_no_text_and_save_passes() -> None:
    lines = "\n".join(f"    value_{number} = {number}" for number in range(20))
    request = EditRequest("a.py", f"def f():\n{lines}\n", 2, 21, "Keep it.")
    says = lines.replace("    ", "").replace("value_7", "value_x") + "\n```"
    plain, _ = edit(says, request)
    fast, _ = edit(says, request, speculates=True)
    assert fast.text == plain.text
    assert fast.refused is None
    assert fast.host.accepted_tokens > 0.7 * fast.completion_tokens


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (replace(REQUEST, path=".env"), "private"),
        (replace(REQUEST, private_patterns=("/own/a.py",), repository="/own"), "private"),
        (replace(REQUEST, private_patterns=("~/own/",), repository=expanduser("~/own")), "private"),
        (replace(REQUEST, first=4, last=9), "has no lines 4–9; it has 6"),
        (replace(REQUEST, instruction=" "), "instruction is empty"),
        (replace(REQUEST, text="x = 1\n" * 400, last=400), "too many to edit at once"),
    ],
)
def test_what_cannot_be_asked_is_refused(request_: EditRequest, message: str) -> None:
    with pytest.raises(PromptError, match=message):
        edit("x", request_)


def test_a_model_that_only_completes_says_which_models_can() -> None:
    with pytest.raises(PromptError, match=r"only completes; .*such as qwen2\.5-coder"):
        edit("x", tokenizer=byte_tokenizer())
