"""Completions with guesses are those without: same text, probabilities and cache, fewer passes."""

import msgspec
import numpy as np
import pytest

from engine.completion.code.surroundings import Surroundings
from engine.completion.rules.stop import StopRules
from engine.completion.writing.draft import Draft
from engine.completion.writing.guessing import GOES_ON, PARTED, ExpectedText, Guesser
from engine.generation.copied_tokens import CopiedTokens
from engine.generation.sampling import greedy
from engine.generation.speculation import Guess, Speculation
from engine.protocol.completion import CompletionRequest
from engine.session import Session
from tests.canned import session_on
from tests.engine.completion.writing.test_writer import PREFIX, UndecidedWafer
from tests.engine_tokenizers import merging_tokenizer
from tests.tiny import write_tiny_model

BODY = "def area(self):\n    return self.width * self.height\n\n\n"


class Eager(Speculation):
    """Verifies the longest guess, whatever it costs."""

    def ask(self, source, most):
        return source(min(most, 7)) if most > 0 else ()

    def best(self, guesses):
        return max((guess.tokens for guess in guesses), key=len, default=())


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", context=256)


@pytest.fixture(scope="module", params=["fast", "reference"])
def sessions(request, folder):
    """The same model with guesses and without."""
    plain, fast = (
        Session.open(str(folder), "tiny", tier=request.param, threads=1, speculation=on)
        for on in (False, True)
    )
    fast._generator._speculation = Eager()
    return plain, fast


def said(completion):
    """All of a completion but its times and what was computed."""
    fields = msgspec.structs.asdict(completion)
    return {name: value for name, value in fields.items() if name not in ("host", "wafer")}


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"multi_line": False},
        {"temperature": 0.8, "seed": 3},
        {"temperature": 1.5, "top_k": 9, "seed": 4},
        {"max_tokens": 1},
        {"max_tokens": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("prefix", [BODY + "def area(self):\n    ret", "x = 1\n" * 9, "    ret"])
def test_guesses_change_nothing_that_is_said(sessions, prefix, options):
    ask = CompletionRequest("a.py", prefix, "\n" + BODY, **{"max_tokens": 24, **options})
    texts = [], []
    plain, fast = (
        session.complete(ask, on_text=shown.append)
        for session, shown in zip(sessions, texts, strict=True)
    )
    assert said(fast) == said(plain)
    assert texts[0] == texts[1]
    assert sessions[0]._generator._held == sessions[1]._generator._held
    assert fast.host.guessed_tokens >= fast.host.accepted_tokens >= 0
    assert plain.host.guessed_tokens == 0
    if options == {} and prefix == "x = 1\n" * 9:
        assert fast.host.guessed_tokens > 0


@pytest.mark.parametrize("expected", ["wrong ☃", "urn\n", "", "\ud800"])
def test_what_is_expected_changes_nothing_that_is_said(sessions, expected):
    ask = CompletionRequest("a.py", BODY + "def area(self):\n    ret", "\n", max_tokens=12)
    plain = sessions[0].complete(ask)
    fast = sessions[1].complete(msgspec.structs.replace(ask, expected=expected))
    assert said(fast) == said(plain)


def passes_of(session, request):
    """The text, and the calls of the runner that it took."""
    before = len(session._generator._runner.calls)
    text = session.complete(request).text
    calls = session._generator._runner.calls[before:]
    return text, sum(name in ("prefill", "decode", "verify") for name, _ in calls)


def eager_session(texts):
    session = session_on(UndecidedWafer(texts))
    session._generator._speculation = Eager()
    return session


def test_what_is_expected_rightly_saves_passes():
    ask = CompletionRequest("a.py", PREFIX, "\n", multi_line=False)
    told = msgspec.structs.replace(ask, expected="return a + b")
    text, alone = passes_of(eager_session({"return a + b": 1.0}), ask)
    same, fewer = passes_of(eager_session({"return a + b": 1.0}), told)
    assert text == same == "return a + b"
    assert fewer < alone


@pytest.mark.parametrize("typed", ["", "r", "return a"])
def test_the_answer_before_saves_passes_while_it_is_typed(typed):
    ask = CompletionRequest("a.py", PREFIX + typed, "\n", multi_line=False)
    text, alone = passes_of(eager_session({"return a + b": 1.0}), ask)
    session = eager_session({"return a + b": 1.0})
    session.complete(msgspec.structs.replace(ask, prefix=PREFIX))
    same, fewer = passes_of(session, ask)
    assert text == same == "return a + b"[len(typed) :]
    assert 2 * fewer < alone


def test_a_cancel_is_heard_at_the_same_token(sessions):
    ask = CompletionRequest("a.py", BODY + "def area(self):\n    ret", "\n", max_tokens=20)
    reasons = set()
    for after in (2, 3, 5):
        heard = []
        for session in sessions:
            asked = iter([False] * after + [True] * 99)
            session._generator._held.clear()
            session._generator._runner.rewind(0)
            heard.append(session.complete(ask, cancelled=lambda asked=asked: next(asked)))
        assert said(heard[0]) == said(heard[1])
        reasons.add(heard[0].finish_reason)
    assert "cancelled" in reasons


def test_going_back_to_another_first_line_is_the_same_with_guesses():
    texts = {"return a)": 0.6, "return b": 0.4}
    found = []
    for speculation in (None, Eager()):
        session = session_on(UndecidedWafer(texts))
        session._generator._speculation = speculation
        prefix = "    return a)\n    return b\n" + PREFIX
        found.append(session.complete(CompletionRequest("a.py", prefix, "\n", multi_line=False)))
    assert said(found[0]) == said(found[1])
    assert found[1].text == "return b"
    assert found[1].host.accepted_tokens > 0


def test_the_wafers_figures_are_those_of_what_was_run():
    session = session_on(UndecidedWafer({"return a + b": 1.0}))
    session._generator._speculation = Eager()
    prefix = "    return a + b\n" + PREFIX
    before = session.snapshot()
    completion = session.complete(CompletionRequest("a.py", prefix, "\n", multi_line=False))
    work = session.snapshot().work.since(before.work)
    assert completion.host.accepted_tokens > 0
    assert work.prefill_tokens == completion.prompt_tokens
    assert work.prefill_cycles == completion.wafer.cycles_prefill
    assert work.decode_cycles == pytest.approx(
        completion.wafer.cycles_per_token * work.decode_tokens
    )


# ── the guesses ─────────────────────────────────────────────────────────────────────────────


class Given:
    """A draft's tokens, and what its advice says."""

    def __init__(self, tokens=(), left=b"", guesses=()):
        self.tokens, self.left, self._guesses = tokens, left, guesses

    def guesses(self, most):
        return [Guess(each[:most], ("given", 0), 0.5) for each in self._guesses]


def test_a_copy_continues_the_longest_match_and_of_equals_the_latest():
    copied = CopiedTokens([1, 2, 3, 4, 9, 2, 3, 5, 7, 2, 3, 6], [8, 1, 2])
    assert copied.guess([3], 2).tokens == [4, 9]
    assert copied.guess([3, 8, 2, 3], 3).tokens == [8, 2, 3]  # the text itself is the latest
    assert copied.guess([9], 3).tokens == [2, 3, 5]  # behind one token alone
    assert copied.guess([11], 3) is None
    assert copied.guess([3], 1).tokens == [4]  # back again
    assert CopiedTokens([4, 5, 6], []).guess([4, 5], 3).tokens == [6]  # where the prompt ends


def test_a_longer_match_is_another_kind():
    copied = CopiedTokens(range(40), [0, 1])
    kinds = [copied.guess(range(2, 2 + n), 4).kind for n in range(1, 20)]
    assert len(set(kinds)) == 4
    assert kinds[-1] == kinds[-2]


def test_nothing_is_guessed_behind_the_end_of_what_is_asked_for():
    ends = np.array([0, 50])
    guesser = Guesser(merging_tokenizer(), Given([], b"", [[7, 8, 50, 9], [50, 1]]),
                      CopiedTokens([], []), ends)  # fmt: skip
    assert [guess.tokens for guess in guesser(4)] == [[7, 8]]


def test_a_guess_says_again_what_the_prompt_left_out():
    tokenizer = merging_tokenizer()
    whole, other = tokenizer.encode_part("return"), tokenizer.encode_part("x")
    guesser = Guesser(tokenizer, Given([], b"ret", [[*whole], [*other]]), CopiedTokens([], []),
                      np.array([0]))  # fmt: skip
    assert [guess.tokens for guess in guesser(4)] == [whole]


def test_what_is_expected_is_followed_where_it_meets_the_text_again():
    expected = ExpectedText(range(10), "given", GOES_ON)
    assert expected.guesses([], 3)[0].tokens == (0, 1, 2)
    assert expected.guesses([0, 1, 250], 2) == []  # another token
    assert expected.guesses([0, 1, 250, 3], 2)[0].tokens == (4, 5)  # in place of one
    assert expected.guesses([], 2)[0].tokens == (0, 1)  # it was taken back


def test_a_text_that_was_parted_from_says_nothing_until_it_is_met_again():
    parted = ExpectedText(range(10), "given", PARTED, start=2)
    assert parted.guesses([7, 7], 3) == []
    assert parted.guesses([7, 7, 250, 1], 3)[0].tokens == (2, 3, 4)


def test_a_line_that_was_taken_back_is_expected_again():
    draft = Given([5, 6, 7, 8, 9])
    guesser = Guesser(merging_tokenizer(), draft, CopiedTokens([], []), np.array([0]))
    assert guesser(4) == []
    draft.tokens = [5, 100, 7]
    assert [guess.tokens for guess in guesser(4)] == [(8, 9)]


def test_a_draft_without_advice_guesses_nothing_itself():
    draft = Draft(merging_tokenizer(), greedy, b"", StopRules(Surroundings.of("", "")))
    assert draft.guesses(4) == []
