import numpy as np
import pytest

from engine.knowledge.advice import Advice, Ends, line_ends, merge
from engine.knowledge.cursor_lines import CursorLines
from engine.knowledge.mixture import Certainty
from engine.knowledge.text_index import IndexView, TextIndex
from engine.knowledge.tuning import EXPERTS
from engine.tokenizer import Tokenizer

TEXT = "class A:\n    def area(self):\n        return self.width * self.height\n"
PREFIX = "class A:\n    def area(self):\n        "

EVEN = [np.zeros(len(names)) for names in EXPERTS.values()]
"""With these coefficients every expert that speaks weighs as much as the model."""


def view_of(tokenizer: Tokenizer, *texts: str) -> IndexView:
    return IndexView(TextIndex(tokenizer, [(str(i), text) for i, text in enumerate(texts)]))


def advice_for(
    tokenizer: Tokenizer,
    own: str = TEXT,
    repository: tuple[str, ...] = (),
    *,
    prefix: str = PREFIX,
    healing: bytes = b"",
    one_line: bool = True,
) -> Advice:
    context = tokenizer.encode_part(prefix.removesuffix(healing.decode()))
    return Advice(
        tokenizer,
        Ends(line_ends(tokenizer), np.array([tokenizer.special("<|endoftext|>")])),
        view_of(tokenizer, own),
        [view_of(tokenizer, text) for text in repository],
        CursorLines.of(prefix, "", healing, one_line=one_line),
        context,
    )


def some_logits(tokenizer: Tokenizer) -> np.ndarray:
    return np.random.default_rng(0).normal(size=tokenizer.vocabulary).astype(np.float32)


def probabilities(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max())
    return powers / powers.sum()


def mixed(tokenizer: Tokenizer, advice: Advice) -> np.ndarray:
    return advice.mix(probabilities(some_logits(tokenizer)), EVEN)


def guesses(tokenizer: Tokenizer, advice: Advice) -> list[bytes | None]:
    """The best guess of each expert."""
    flat = Certainty.of(np.full(tokenizer.vocabulary, 1 / tokenizer.vocabulary))
    forecasts = advice.opinion(flat).forecasts
    return [each and tokenizer.token_bytes(each.top) for each in forecasts]


# ── the experts ─────────────────────────────────────────────────────────────────────────────


def test_n_grams_of_the_buffer_and_of_the_repository_are_two_experts(tokenizer):
    own, other = "return self.area\n", "return self.width\n"
    advice = advice_for(tokenizer, own, (other,), prefix="return self.")
    buffer, repository, _ = guesses(tokenizer, advice)
    assert b"area".startswith(buffer)
    assert b"width".startswith(repository)


def test_found_lines_come_from_the_buffer_and_the_repository(tokenizer):
    for own, other in ((TEXT, ""), ("", TEXT)):
        *_, lines = guesses(tokenizer, advice_for(tokenizer, own, (other,)))
        assert b"return".startswith(lines)


def test_an_expert_with_nothing_to_say_has_no_features(tokenizer):
    flat = Certainty.of(np.full(tokenizer.vocabulary, 1 / tokenizer.vocabulary))
    opinion = advice_for(tokenizer, own="\n").opinion(flat)
    assert opinion.forecasts == opinion.features == (None, None, None)


def test_without_any_expert_the_model_decides_alone(tokenizer):
    advice = advice_for(tokenizer, own="\n", one_line=False)
    assert mixed(tokenizer, advice) == pytest.approx(probabilities(some_logits(tokenizer)))
    assert advice.weight == 0.0


def test_the_weight_is_the_share_of_all_experts(tokenizer):
    advice = advice_for(tokenizer, TEXT, (TEXT,))
    mixed(tokenizer, advice)
    assert advice.weight == pytest.approx(3 / 4)


# ── token by token ──────────────────────────────────────────────────────────────────────────


def test_the_experts_follow_what_is_said(tokenizer):
    advice = advice_for(tokenizer, TEXT, (TEXT,))
    said = b""
    while (guess := set(guesses(tokenizer, advice))) != {b"\n"}:
        (content,) = guess  # all three copy the same line
        said += content
        advice.push(tokenizer.encode_part(content.decode())[0])
    assert said == b"return self.width * self.height"


def test_tokens_may_be_taken_back(tokenizer):
    said = tokenizer.encode_part("return self.width")
    advice = advice_for(tokenizer)
    steps = []
    for token in said:
        steps.append(mixed(tokenizer, advice))
        advice.push(token)
    for count in (3, 1, 0):
        advice.keep(count)
        assert mixed(tokenizer, advice).tolist() == steps[count].tolist()
        for token in said[count:]:
            advice.push(token)


# ── how a completion ends ───────────────────────────────────────────────────────────────────


def test_mixed_predictions_are_probabilities_and_one_end_stands_for_all(tokenizer) -> None:
    several = mixed(tokenizer, advice_for(tokenizer, one_line=False))
    single = mixed(tokenizer, advice_for(tokenizer, one_line=True))
    assert several.sum() == pytest.approx(1.0, abs=1e-5)
    assert single.sum() == pytest.approx(1.0, abs=1e-5)
    end, ends = tokenizer.special("<|endoftext|>"), line_ends(tokenizer)
    own = probabilities(some_logits(tokenizer))
    assert several[end] == pytest.approx(own[end], abs=1e-5)
    others = ends[ends != end]
    assert single[others].sum() == 0.0
    assert single[end] > several[others].sum() * 0.9


def test_before_healing_is_said_nothing_ends(tokenizer):
    advice = advice_for(tokenizer, prefix=PREFIX + "ret", healing=b"ret")
    newline = tokenizer.encode_part("\n")[0]
    assert mixed(tokenizer, advice)[newline] > 0
    advice.push(tokenizer.encode_part("re")[0])
    assert mixed(tokenizer, advice)[newline] > 0
    advice.push(tokenizer.encode_part("t")[0])
    assert mixed(tokenizer, advice)[newline] == 0


def test_a_line_ends_with_a_line_break_or_a_control_token(tokenizer):
    ends = set(line_ends(tokenizer).tolist())
    for token in range(tokenizer.vocabulary):
        content = tokenizer.token_bytes(token)
        assert (token in ends) == (content == b"" or content[0] in b"\n\r")
    assert tokenizer.special("<|endoftext|>") in ends


# ── several indexes as one ──────────────────────────────────────────────────────────────────


def followers(**lengths: list[int]) -> list[tuple[int, np.ndarray]]:
    """``d3=[1]``: token 1 follows a context of three tokens."""
    return [(int(name[1:]), np.array(tokens, np.int32)) for name, tokens in lengths.items()]


def merged(*each) -> dict[int, list[int]]:
    return {depth: sorted(tokens.tolist()) for depth, tokens in merge(each)}


def test_lengths_that_all_indexes_name_are_joined():
    assert merged(followers(d2=[1], d1=[1, 2]), followers(d2=[3], d1=[3, 3])) == {
        2: [1, 3],
        1: [1, 2, 3, 3],
    }


def test_a_length_that_an_index_leaves_out_has_the_places_of_the_next_longer_one():
    assert merged(followers(d5=[1], d2=[1, 1]), followers(d3=[9], d1=[9, 9])) == {
        5: [1],
        3: [1, 9],
        2: [1, 1, 9],
        1: [1, 1, 9, 9],
    }


def test_the_longest_length_comes_first():
    assert list(merged(followers(d1=[1]), followers(d7=[2], d4=[2, 3]))) == [7, 4, 1]


def test_nothing_joined_is_nothing():
    assert merged() == merged([], []) == {}


def test_several_indexes_together_say_what_one_of_all_says(tokenizer):
    texts = ["x = area(1)\ny = area(2)\n", "z = area(1)\nshape = Shape()\n"]
    context = tokenizer.encode_part("w = area(")
    parts = [view_of(tokenizer, text).followers(context) for text in texts]
    lengths = merged(*parts)
    for depth, tokens in view_of(tokenizer, *texts).followers(context):
        assert lengths[depth] == sorted(tokens.tolist())


# ── guesses ─────────────────────────────────────────────────────────────────────────────────


def guessed(tokenizer: Tokenizer, advice: Advice, most: int = 6) -> dict[str, str]:
    return {guess.kind[0]: tokenizer.decode(guess.tokens) for guess in advice.guesses(most)}


def test_guesses_are_the_found_line_and_what_followed_before(tokenizer):
    other = "class B:\n    def area(self):\n        return None\n"
    advice = advice_for(tokenizer, repository=(other,), prefix=PREFIX + "return self.wid")
    before = guessed(tokenizer, advice)
    assert before["line"].startswith("th * self")
    assert set(before) <= {"line", "buffer", "repository"}
    for token in tokenizer.encode_part("th"):
        advice.push(token)
    assert guessed(tokenizer, advice)["line"].startswith(" * self.height")
    advice.push(tokenizer.encode_part("?")[0])
    assert "line" not in guessed(tokenizer, advice)


def test_guesses_say_again_what_the_prompt_left_out(tokenizer):
    advice = advice_for(tokenizer, prefix=PREFIX + "ret", healing=b"ret")
    assert guessed(tokenizer, advice)["line"].startswith("return self")


def test_guesses_are_no_longer_than_asked_for_and_change_no_mixture(tokenizer):
    advice, again = advice_for(tokenizer), advice_for(tokenizer)
    assert all(1 <= len(guess.tokens) <= 2 for guess in advice.guesses(2))
    assert np.array_equal(mixed(tokenizer, advice), mixed(tokenizer, again))
