"""A draft, fed with logits by hand."""

import numpy as np
import pytest

from engine.completion.code.surroundings import Surroundings
from engine.completion.code.syntax import Syntax
from engine.completion.rules.openings import BarredTokens
from engine.completion.rules.stop import StopRules
from engine.completion.writing.draft import ALTERNATIVES, Draft, Limits
from engine.generation.sampling import greedy
from tests.engine_tokenizers import byte_tokenizer, merging_tokenizer

TOKENIZER = byte_tokenizer()
FIRST_BYTE = TOKENIZER.encode_part("\0")[0]
END = TOKENIZER.special("<|endoftext|>")


def token_of(sign):
    """The id of a byte, or of the end where ``sign`` is empty."""
    return FIRST_BYTE + sign.encode()[0] if sign else END


def draft_at(before="    ", *, multi_line=True, advice=None, barred=None, judged=True):
    syntax = Syntax(before, "\n") if judged else None
    rules = StopRules(Surroundings.of(before, "\n"), multi_line)
    return Draft(TOKENIZER, greedy, b"", rules, advice, limits=Limits(syntax, barred))


def say(draft, *choices):
    """Feed the draft one step for each (sign: probability, …) choice."""
    for shares in choices:
        logits = np.full(TOKENIZER.vocabulary, -50.0, np.float32)
        for sign, share in shares.items():
            logits[token_of(sign)] = np.log(share)
        draft.pick(logits)
        draft.push()
    return draft


def test_bytes_left_out_of_the_prompt_are_said_first_and_not_shown():
    tokenizer = merging_tokenizer()
    rules = StopRules(Surroundings.of("    ret", "\n"))
    draft = Draft(tokenizer, greedy, b"ret", rules)
    (whole,) = tokenizer.encode_part("return")
    (plus,) = tokenizer.encode_part("+")
    logits = np.zeros(tokenizer.vocabulary, np.float32)
    logits[plus], logits[whole] = 3.0, 2.0
    assert draft.pick(logits) == whole  # what is likelier does not begin like the text
    draft.push()
    assert draft.text == "urn"
    assert draft.pick(logits) == plus


def test_bytes_left_out_may_take_several_tokens():
    tokenizer = merging_tokenizer()
    draft = Draft(tokenizer, greedy, b"ret", StopRules(Surroundings.of("ret", "")))
    logits = np.zeros(tokenizer.vocabulary, np.float32)
    for said in "re", "t", "x":
        (token,) = tokenizer.encode_part(said)
        logits[token] = logits.max() + 1
        assert draft.pick(logits) == token
        draft.push()
    assert draft.text == "x"


def test_the_end_token_ends_the_text_and_is_not_counted():
    draft = say(draft_at(), {"a": 1.0}, {"": 1.0})
    assert (draft.text, draft.ended, draft.generated) == ("a", "stop", 1)
    assert draft.tokens == [token_of("a"), END]


def test_the_probability_is_the_mean_of_all_tokens_with_text_or_end():
    draft = say(draft_at(), {"a": 0.5, "b": 0.5}, {"": 0.25, "b": 0.25, "c": 0.5})
    assert draft_at().mean_logprob is None
    assert draft.mean_logprob == pytest.approx((np.log(0.5) + np.log(0.5)) / 2, abs=1e-6)


def test_other_tokens_are_remembered_on_the_first_line_only():
    draft = say(draft_at(), {"a": 0.6, "b": 0.4}, {"\n": 1.0}, {"c": 0.6, "d": 0.4})
    assert [len(choice.others) for choice in draft.choices] == [ALTERNATIVES] * 2 + [0]
    assert draft.choices[0].others[0] == (token_of("b"), pytest.approx(np.log(0.4), abs=1e-6))


def test_nothing_is_remembered_where_no_line_is_judged():
    draft = say(draft_at(judged=False), {"a": 0.6, "b": 0.4})
    assert draft.choices[0].others == []


def test_another_line_begins_at_the_likeliest_other_token():
    draft = say(draft_at(), {"a": 0.9, "x": 0.1}, {"b": 0.6, "y": 0.4}, {"": 1.0})
    other = max(draft.other_lines())
    assert other.at == 1
    assert other.logprob == pytest.approx(np.log(0.9) + np.log(0.4), abs=1e-6)
    draft.take(other)
    assert (draft.text, draft.ended) == ("ay", None)
    assert draft.generated == 3  # "a", "b" and "y"
    assert other not in draft.other_lines()


def test_another_line_is_no_shorter_spelling_of_the_same():
    draft = say(draft_at(), {"a": 1.0}, {"b": 0.6, "": 0.4}, {"": 1.0})
    assert (1, 0) in {(other.at, other.which) for other in draft.other_lines()}  # the line "a"
    said = say(draft_at(), {"a": 0.9, "b": 0.1}, {"": 0.6, "\n": 0.4})
    assert max(said.other_lines()).at == 0  # "\n" ends the same line as the end token


def test_a_draft_returns_to_choices_that_it_made_before():
    draft = say(draft_at(), {"a": 0.6, "x": 0.4}, {"b": 1.0})
    before, logprob = draft.choices, draft.mean_logprob
    draft.take(max(draft.other_lines()))
    say(draft, {"z": 1.0})
    assert draft.text == "xz"
    draft.restore(before)
    assert (draft.text, draft.choices, draft.mean_logprob) == ("ab", before, logprob)


def test_barred_tokens_open_no_text_and_keep_their_share_of_the_probability():
    contents = [TOKENIZER.token_bytes(i) for i in range(TOKENIZER.vocabulary)]
    barred = BarredTokens(contents, np.array([token_of("#")]), (b"#",))
    draft = say(draft_at(barred=barred), {"#": 0.75, "a": 0.25}, {"#": 0.75, "a": 0.25})
    assert draft.text == "a#"
    assert draft.mean_logprob == pytest.approx((np.log(0.25) + np.log(0.75)) / 2, abs=1e-6)
    assert draft.changed == 0.0  # the model itself was held to the same


class Ends:
    """Advice that always says the end token."""

    weight = 1.0

    def mix(self, logits, coefficients):
        mixed = np.full_like(logits, -50.0)
        mixed[END] = 0.0
        return mixed


def test_two_ways_to_end_the_line_are_the_same_choice():
    def advised(multi_line):
        draft = draft_at(multi_line=multi_line, advice=Ends())
        logits = np.zeros(TOKENIZER.vocabulary, np.float32)
        logits[token_of("\n")] = 9.0
        draft.pick(logits)
        return draft.changed

    assert advised(multi_line=False) == 0.0
    assert advised(multi_line=True) == 1.0
