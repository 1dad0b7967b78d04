"""A writer, in a session whose model holds several texts possible."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.completion.writing import writer
from engine.knowledge.tuning import EXPERTS, Tuning
from engine.protocol.completion import Completion, CompletionRequest
from tests.canned import END, FIRST_BYTE_TOKEN, VOCABULARY, CannedWafer, session_on

PREFIX = "def f(a):\n    "


class UndecidedWafer(CannedWafer):
    """Says one of several texts, each with its probability, behind the function's first line."""

    def __init__(self, texts: dict[str, float]) -> None:
        super().__init__("")
        self._texts = {text.encode(): share for text, share in texts.items()}
        self._rows: list[int] = []

    def rewind(self, position: int) -> None:
        super().rewind(position)
        del self._rows[position:]

    def prefill(self, tokens: NDArray[np.int32]) -> NDArray[np.float32]:
        self._rows += tokens.tolist()
        return super().prefill(tokens)

    def decode(self, token: int) -> NDArray[np.float32]:
        self._rows.append(token)
        return super().decode(token)

    def verify(self, tokens: NDArray[np.int32], last: int) -> NDArray[np.float32]:
        self._rows += tokens.tolist()
        return super().verify(tokens, last)

    def _append(self, rows: int) -> NDArray[np.float32]:
        super()._append(rows)
        ends = range(len(self._rows) - rows + 1, len(self._rows) + 1)
        return np.stack([self._after(self._rows[:end]) for end in ends])

    def _after(self, tokens: list[int]) -> NDArray[np.float32]:
        shares = np.full(VOCABULARY, 1e-9)
        said = bytes(t - FIRST_BYTE_TOKEN for t in tokens if t >= FIRST_BYTE_TOKEN)
        said = said.rpartition(PREFIX.encode())[2]
        for text, share in self._texts.items():
            if text.startswith(said):
                rest = text[len(said) :]
                shares[FIRST_BYTE_TOKEN + rest[0] if rest else END] += share
        return np.log(shares / shares.sum()).astype(np.float32)


def complete(
    texts: dict[str, float],
    suffix: str = "\n",
    path: str = "a.py",
    tuning: Tuning | None = None,
    **options: object,
) -> Completion:
    session = session_on(UndecidedWafer(texts), tuning)
    return session.complete(CompletionRequest(path, PREFIX, suffix, **options))


def test_a_line_that_python_cannot_read_is_taken_back() -> None:
    texts = {"return a)": 0.6, "return b": 0.4}
    assert complete(texts, multi_line=False).text == "return b"
    assert complete(texts, multi_line=True).text == "return b"


def test_names_that_nobody_binds_are_taken_back() -> None:
    assert complete({"return width": 0.6, "return a": 0.4}).text == "return a"


def test_what_is_wrong_at_its_place_is_taken_back(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"f(a=1, a=2)": 0.6, "return a": 0.4}
    assert complete(texts).text == "return a"
    monkeypatch.setattr(writer, "MAX_RETURNS", 0)
    assert complete(texts).text == ""


def test_code_that_never_runs_is_not_written() -> None:
    completion = complete({"return a\n    print(a)": 1.0})
    assert (completion.text, completion.completion_tokens) == ("return a", len("return a\n    p"))


def test_an_unknown_name_is_better_than_what_cannot_be_read() -> None:
    assert complete({"x )": 0.5, "y = width": 0.3, "z )": 0.2}).text == "y = width"


def test_what_python_can_read_stays() -> None:
    completion = complete({"return a": 0.6, "return b": 0.4})
    assert (completion.text, completion.completion_tokens) == ("return a", 8)


def test_of_other_languages_nothing_is_asked() -> None:
    assert complete({"return a)": 0.6, "return b": 0.4}, path="a.c").text == "return a)"


def test_the_way_is_the_likeliest_not_the_last() -> None:
    completion = complete({"return a)": 0.5, "return a) b": 0.1, "x = 1": 0.25, "y = 2": 0.15})
    assert completion.text == "x = 1"


def test_where_nothing_fits_the_first_text_comes_back_whole() -> None:
    completion = complete({"x )\n    y = 1": 0.5, "x ]": 0.3, "z )": 0.2})
    assert completion.text == "x )"
    assert completion.completion_tokens > len("x )\n    y = 1")


def test_it_comes_back_only_so_often(monkeypatch: pytest.MonkeyPatch) -> None:
    texts = {"a )": 0.4, "b )": 0.3, "c )": 0.2, "d": 0.1}
    assert complete(texts).text == "a )"
    monkeypatch.setattr(writer, "MAX_RETURNS", 3)
    assert complete(texts).text == "d"


def test_behind_the_first_line_it_goes_on() -> None:
    texts = {"else:\n        b = 1": 0.6, "if a:\n        b = 1": 0.4}
    assert complete(texts).text == "if a:\n        b = 1"


def test_further_lines_are_cut_where_python_could_not_read_on() -> None:
    completion = complete({"x = 1\n        y = 2\n    z = 3": 1.0})
    assert (completion.text, completion.finish_reason) == ("x = 1", "trimmed")


def test_a_line_that_the_rules_would_drop_is_another_line() -> None:
    texts = {"return answer": 0.6, "return other": 0.4}
    assert complete(texts, suffix="\n    return answer\n").text == "return other"


def test_nothing_is_no_way_out_but_an_answer() -> None:
    assert complete({"": 0.6, "return b": 0.4}).text == ""
    assert complete({"return )": 0.6, "": 0.3, "return b": 0.1}).text == "return b"
    assert complete({"return )": 0.6, " ": 0.4}).text == "return )"  # spaces are nothing, too


def test_a_word_may_be_cut_short_but_is_not_spelt_otherwise() -> None:
    # "return" alone is another line than "return )"; more of the same one is no way.
    assert complete({"return )": 0.6, "return": 0.4}).text == "return"


def test_the_probability_is_that_of_what_stands() -> None:
    completion = complete({"return a)": 0.6, "x = 1": 0.4})
    assert completion.text == "x = 1"
    assert completion.mean_logprob == pytest.approx(math.log(0.4) / len("x = 1."), abs=1e-3)


def test_all_tokens_are_counted_and_none_is_computed_twice() -> None:
    wafer = UndecidedWafer({"return a)": 0.6, "return 1": 0.4})
    completion = session_on(wafer).complete(CompletionRequest("a.py", PREFIX, "\n"))
    assert completion.completion_tokens == len("return a)") + len("1")
    assert [name for name, _ in wafer.calls].count("prefill") == 1


def test_a_limit_of_tokens_is_that_of_the_text() -> None:
    completion = complete({"return a)": 0.6, "return b + c": 0.4}, max_tokens=11)
    assert (completion.text, completion.finish_reason) == ("return b +", "length")


def test_a_whole_line_is_better_than_one_that_the_limit_cuts() -> None:
    texts = {"y = width": 0.6, "y = a + a + a + a": 0.4}
    assert complete(texts, max_tokens=10).text == "y = width"


def test_where_a_threshold_decides_the_model_says_something() -> None:
    mixture = {name: dict.fromkeys(features, 0.0) for name, features in EXPERTS.items()}
    texts = {"": 0.6, "return a": 0.4}
    assert complete(texts, tuning=Tuning(mixture, -9.0, "", {})).text == "return a"
    assert complete(texts, tuning=Tuning(mixture, None, "", {})).text == ""
