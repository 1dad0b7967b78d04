from functools import cache

import numpy as np
import pytest
from tokenizers import Regex, models, pre_tokenizers, trainers
from tokenizers import Tokenizer as Backend

from engine.knowledge.advice import Advice, Ends
from engine.knowledge.cursor_lines import CursorLines
from engine.knowledge.line_tokens import LineTokens
from engine.knowledge.mixture import Certainty
from engine.knowledge.text_index import IndexView, TextIndex
from engine.tokenizer import Tokenizer

CODE = "\n".join(
    ["def area(width):", "    total = count(width)", "    sides = [", "        width,", "    ]"]
)
QWEN_PIECES = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""Punctuation takes the line breaks behind it along, as in the vocabularies of Qwen and Llama 3."""


@cache
def greedy_tokenizer() -> Tokenizer:
    """A small vocabulary with tokens such as ``):⏎``."""
    backend = Backend(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(QWEN_PIECES), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=360,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    backend.train_from_iterator([CODE * 9], trainer)
    return Tokenizer(Backend.from_str(backend.to_str()))


@pytest.fixture
def lines() -> LineTokens:
    return LineTokens(greedy_tokenizer())


def token(text: str) -> int:
    (found,) = greedy_tokenizer().encode_part(text)
    return found


def advice_for(own: str, prefix: str, *, one_line: bool = True, healing: bytes = b"") -> Advice:
    tokenizer = greedy_tokenizer()
    return Advice(
        tokenizer,
        Ends(LineTokens(tokenizer), np.array([tokenizer.special("<|endoftext|>")])),
        IndexView(TextIndex(tokenizer, [("own", own)])),
        [],
        CursorLines.of(prefix, "", healing, one_line=one_line),
        tokenizer.encode_part(prefix.removesuffix(healing.decode())),
    )


def buffer_shares(advice: Advice) -> dict[bytes, float]:
    """What the n-grams of the buffer say."""
    tokenizer = greedy_tokenizer()
    flat = Certainty.of(np.full(tokenizer.vocabulary, 1 / tokenizer.vocabulary))
    forecast = advice.opinion(flat).forecasts[0]
    assert forecast is not None
    return {
        tokenizer.token_bytes(i): share
        for i, share in zip(forecast.tokens.tolist(), forecast.shares.tolist(), strict=True)
    }


def test_a_token_with_a_line_break_behind_text_is_told_as_the_text(lines):
    assert greedy_tokenizer().token_bytes(token(")\n")) == b")\n"
    assert int(lines.heads[token(")\n")]) == token(")")
    assert int(lines.heads[token("):\n")]) == greedy_tokenizer().encode_part("):")[0]


def test_every_other_token_is_told_as_itself(lines):
    for i in range(greedy_tokenizer().vocabulary):
        text = greedy_tokenizer().token_bytes(i)
        told = greedy_tokenizer().token_bytes(int(lines.heads[i]))
        inside = b"\n" in text and not text.startswith(b"\n")
        assert (i in lines.cut) == inside
        assert text.startswith(told) if inside else told == text


def test_blanks_before_a_line_break_are_the_end(lines):
    blank = [i for i in lines.cut.tolist() if not greedy_tokenizer().token_bytes(i).strip()]
    assert all(int(lines.heads[i]) in lines.ends for i in blank)


def test_probabilities_still_sum_to_one(lines):
    shares = np.random.default_rng(0).dirichlet(np.ones(greedy_tokenizer().vocabulary))
    told = lines.of_shares(shares)
    assert told.sum() == pytest.approx(1.0)
    assert (told[lines.cut] == 0).all()
    assert told[token(")")] >= shares[token(")")] + shares[token(")\n")]


def test_a_line_ends_behind_its_bracket_as_often_as_in_the_file():
    own = "x = count(width)\ny = count(width)\nz = count(width).total\n"
    bracket = advice_for(own, "w = count(width")
    assert buffer_shares(bracket)[b")"] > 0.9
    bracket.push(token(")"))
    ends = buffer_shares(bracket)
    assert ends[b"\n"] == pytest.approx(2 / 3, abs=0.1)
    assert sum(ends.values()) == pytest.approx(1.0)


def test_in_a_text_of_several_lines_the_tokens_stay_as_they_are():
    own = "x = count(width)\ny = count(width)\n"
    assert buffer_shares(advice_for(own, "w = count(width", one_line=False))[b")\n"] > 0.9


def test_where_a_line_break_is_healed_the_tokens_stay_as_they_are():
    own = "x = count(width)\ny = count(width)\n"
    advice = advice_for(own, "w = count(width)\n", healing=b")\n")
    assert buffer_shares(advice)[b")\n"] > 0.9


def test_guesses_stop_at_the_end_of_the_line():
    own = "total = count(width)\nsides = [\n" * 2
    guesses = advice_for(own, "total = count(width").guesses(8)
    assert guesses
    for guess in guesses:
        text = greedy_tokenizer().decode_bytes(list(guess.tokens))
        assert text == b")"


def test_a_vocabulary_without_such_tokens_is_left_alone(tokenizer):
    lines = LineTokens(tokenizer)
    shares = np.ones(tokenizer.vocabulary)
    followers = [(1, np.arange(3, dtype=np.int32))]
    assert not len(lines.cut)
    assert lines.of_shares(shares) is shares
    assert lines.of_followers(followers, followers, 0) is followers
