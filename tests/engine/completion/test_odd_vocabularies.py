"""Healing, first lines and streaming with the tokens of other families' vocabularies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.completion.code.surroundings import Surroundings
from engine.completion.prompts.prompt import PromptBuilder
from engine.completion.prompts.prompt_styles import find_style
from engine.completion.rules.stop import StopRules
from engine.completion.writing.draft import Draft
from engine.generation.sampling import greedy
from engine.tokenizer import Tokenizer
from tests.engine_tokenizers import tokenizer_with

CONTROLS = ("<end>", "<fim_prefix>", "<fim_suffix>", "<fim_middle>")
WORDS = (
    *("  ", "    ", " re", " return", "return", "ret", "urn"),
    *("\n\n", "\n    ", "\n\n    ", ":\n", "):\n", "é", " é", "self", ".se", ".self", "()", "(("),
)
BYTE_LEVEL = tokenizer_with(*CONTROLS, words=WORDS)
PIECED = tokenizer_with(*CONTROLS, words=WORDS, pieced=True)
BOTH = pytest.mark.parametrize("tokenizer", [BYTE_LEVEL, PIECED], ids=["byte-level", "pieced"])

code = st.text(st.sampled_from(" \n(:.)reéturnself€"), max_size=40)


def build(tokenizer: Tokenizer, prefix: str, *, fills: bool = True):
    style = find_style(tokenizer) if fills else None
    return PromptBuilder(tokenizer, 512, style).build("", prefix, "\n", 8)


def draft_at(tokenizer: Tokenizer, prefix: str, *, fills: bool = True) -> Draft:
    healing = build(tokenizer, prefix, fills=fills).healing
    rules = StopRules(Surroundings.of(prefix, "\n"), multi_line=False)
    return Draft(tokenizer, greedy, healing, rules)


def say(draft: Draft, tokenizer: Tokenizer, *wanted: str) -> None:
    """Let the model want some tokens, one after the other, as far as healing allows."""
    for text in wanted:
        tokens = range(tokenizer.vocabulary)
        want(draft, next(i for i in tokens if tokenizer.token_bytes(i) == text.encode()))


def want(draft: Draft, token: int) -> None:
    logits = np.zeros(BYTE_LEVEL.vocabulary + PIECED.vocabulary, np.float32)
    logits[token] = 9.0
    draft.pick(logits)
    draft.push()


@BOTH
@given(prefix=code, fills=st.booleans())
def test_prompt_and_healing_are_the_text_before_the_cursor(tokenizer, prefix, fills) -> None:
    prompt = build(tokenizer, prefix, fills=fills)
    text = tokenizer.decode_bytes(prompt.before) + prompt.healing
    assert text == prefix.encode()
    prompt.healing.decode()  # never half a character


@BOTH
@given(prefix=code, seed=st.integers(0, 1000))
def test_whatever_the_model_wants_the_persons_text_stays(tokenizer, prefix, seed) -> None:
    draft = draft_at(tokenizer, prefix)
    healing = build(tokenizer, prefix).healing
    random = np.random.default_rng(seed)
    while len(tokenizer.decode_bytes(draft.tokens)) < len(healing) and draft.ended is None:
        draft.pick(random.normal(size=tokenizer.vocabulary).astype(np.float32))
        draft.push()
    said = tokenizer.decode_bytes(draft.tokens)
    assert said.startswith(healing)
    assert draft.text.encode() == said[len(healing) :] or "\ufffd" in draft.text or draft.text == ""


@BOTH
def test_a_word_typed_in_several_tokens_grows_into_one(tokenizer) -> None:
    assert build(tokenizer, "if x:\n    retu").healing == b"retu"
    draft = draft_at(tokenizer, "if x:\n    retu")
    say(draft, tokenizer, "return")
    assert draft.text == "rn"


def test_indentation_is_given_but_for_what_a_word_takes_of_it() -> None:
    """A model that had to write it again after a control token wrote blanks without end."""
    tokenizer = tokenizer_with(*CONTROLS, words=(" return", "  ", "   "))
    prompt = build(tokenizer, "x\n    ")
    assert (prompt.healing, tokenizer.token_bytes(prompt.ids[-1])) == (b" ", b"   ")
    draft = draft_at(tokenizer, "x\n    ")
    say(draft, tokenizer, " return")
    assert draft.text == "return"


@BOTH
def test_indentation_is_given_whole_where_words_take_no_space(tokenizer) -> None:
    prompt = build(tokenizer, "x\n    ")
    assert (prompt.healing, tokenizer.decode_bytes(prompt.before)) == (b"", b"x\n    ")


@BOTH
def test_a_space_typed_may_become_the_space_in_front_of_a_word(tokenizer) -> None:
    """Two spaces are the longest token of spaces, yet the last one may belong to the word."""
    tokenizer = tokenizer_with(*CONTROLS, words=("  ", " return"), pieced=tokenizer is PIECED)
    draft = draft_at(tokenizer, "x\n   y  ")
    say(draft, tokenizer, " ", " return")
    assert draft.text == "return"


@BOTH
def test_a_line_end_typed_may_grow_into_the_next_lines_indentation(tokenizer) -> None:
    """For a model that only goes on, the line above is not closed by a control token."""
    assert build(tokenizer, "x\n", fills=False).healing == b"\n"
    draft = draft_at(tokenizer, "x\n", fills=False)
    say(draft, tokenizer, "\n    ", "return")
    assert draft.text == "    return"


@BOTH
def test_a_token_over_a_line_end_ends_a_line(tokenizer) -> None:
    draft = draft_at(tokenizer, "def f(a")
    say(draft, tokenizer, "):\n")
    assert (draft.text, draft.shown, draft.ended) == ("):\n", "):", "stop")


@BOTH
def test_a_character_over_several_tokens_comes_whole(tokenizer) -> None:
    draft = draft_at(tokenizer, "x3")
    texts = []
    for token in tokenizer.encode_part("€"):
        want(draft, token)
        texts.append(draft.text)
    assert texts == ["", "", "€"]


@BOTH
@pytest.mark.parametrize("control", CONTROLS)
def test_every_control_token_ends_the_text(tokenizer, control: str) -> None:
    draft = draft_at(tokenizer, "x3")
    want(draft, tokenizer.special(control))
    assert draft.ended == "stop"
