"""Other texts for a cursor, from a model with a second choice at every token."""

import numpy as np
import pytest

from engine.completion.completer import Completer, Listener
from engine.completion.stats import WaferMeter
from engine.completion.writing.other_texts import MOST_OTHERS
from engine.generation.generator import Generator
from engine.protocol.completion import CompletionRequest
from tests.canned import FIRST_BYTE_TOKEN, CannedWafer, canned_machine_info, canned_model_info
from tests.engine_tokenizers import byte_tokenizer


class UndecidedWafer(CannedWafer):
    """Says ``text``; the bytes of ``second`` are nearly as likely, each in its place."""

    def __init__(self, text: str, second: str) -> None:
        super().__init__(text)
        self._second = [FIRST_BYTE_TOKEN + byte for byte in second.encode()]

    def _append(self, rows):
        logits = super()._append(rows)
        for row, said in enumerate(range(self.position - rows + 1, self.position + 1)):
            if 0 <= said - self._begun < len(self._second):
                token = self._second[said - self._begun]
                logits[row, token] = np.maximum(logits[row, token], 8.0 - (said - self._begun))
        return logits


def texts(text, second, count, path="a.txt", **options):
    """Return the first text, then the others with their drafts' likelihood."""
    wafer = UndecidedWafer(text, second)
    meter = WaferMeter(canned_machine_info(), wafer.placed, wafer.context_length)
    completer = Completer(canned_model_info(), byte_tokenizer(), Generator(wafer), meter, None)
    found = []
    listener = Listener(
        on_other=lambda other, draft: found.append((other, draft.mean_logprob)), **options
    )
    request = CompletionRequest(path, "x = ", "\n", multi_line=False)
    first = completer.complete(request, listener, others=count)
    return [(first.text, first.mean_logprob), *found]


def test_each_leaves_the_first_where_another_token_was_likely():
    found = texts("abc", "xyz", 2)
    assert [text[:2] for text, _ in found] == ["ab", "xb", "ay"]
    assert found[0][1] > found[1][1]


def test_no_more_are_written_than_are_wanted_or_than_a_person_compares():
    assert len(texts("abcdefgh", "stuvwxyz", 1)) == 2
    assert len(texts("abcdefgh", "stuvwxyz", 50)) == 1 + MOST_OTHERS


def test_no_line_comes_twice():
    lines = [text for text, _ in texts("abab", "baba", 4)]
    assert len(lines) == len(set(lines))


def test_none_is_asked_for_by_a_plain_request():
    assert texts("abc", "xyz", 0)[1:] == []


def test_a_person_who_went_on_gets_no_more():
    calls = iter(range(100))
    assert texts("abc", "xyz", 3, cancelled=lambda: next(calls) > 4)[1:] == []


@pytest.mark.parametrize("path", ["a.txt", "a.py"])
def test_the_first_text_does_not_depend_on_the_others(path):
    assert texts("abc", "xyz", 3, path)[0] == texts("abc", "xyz", 0, path)[0]
