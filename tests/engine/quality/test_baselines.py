from pathlib import Path

import pytest

from engine.quality.answers import Answerer, NothingBaseline, Question
from engine.quality.corpus import Corpus, SourceFile
from engine.quality.nearest_line_baseline import NearestLineBaseline
from engine.quality.ngram_baseline import NGramBaseline, WordIndex

ROOT = Path("/data/a")


def corpus(**texts: str) -> Corpus:
    return Corpus(tuple(SourceFile(ROOT, f"{name}.py", text) for name, text in texts.items()), {})


def ask(
    answerer: Answerer, prefix: str, suffix: str = "", *, path: str = "x.py", lines: bool = False
) -> str:
    return answerer.answer(Question(ROOT, path, prefix, suffix, multi_line=lines)).text


# ── n-grams ─────────────────────────────────────────────────────────────────────────────────


def test_an_index_finds_what_followed_a_context() -> None:
    index = WordIndex([[1, 2, 3, 1, 2, 4], [1, 2, 5]])
    longest = index.spans([9, 1, 2])[-1]
    assert len(index.spans([9, 1, 2])) == 3  # behind nothing, behind 2, behind 1 2
    assert sorted(index.following(longest)) == [3, 4, 5]
    assert sorted(index.following(longest, without=0)) == [5]


def test_no_context_reaches_over_the_end_of_a_text() -> None:
    index = WordIndex([[1, 2], [3, 4]])
    assert len(index.spans([2])) == 2
    assert index.following(index.spans([2])[-1]).size == 0
    assert len(index.spans([2, 3])) == 2


def test_ngram_says_what_followed_most_often_elsewhere() -> None:
    other = "save(a)\nload(b)\nload(c)\nload(b)\n"
    assert ask(NGramBaseline(corpus(other=other)), "load(") == "b)"


def test_ngram_prefers_the_longer_context() -> None:
    other = "x.load(b)\nx.load(b)\nself.x.load(c)\n"
    assert ask(NGramBaseline(corpus(other=other)), "self.x.load(") == "c)"


def test_ngram_learns_from_the_text_around_the_cursor() -> None:
    model = NGramBaseline(corpus(other="unrelated = 1\n"))
    assert ask(model, "first = compute_it(alpha)\nsecond = comp") == "ute_it(alpha)"
    assert ask(model, "second = comp", "\nfirst = compute_it(alpha)\n") == "ute_it(alpha)"


def test_ngram_writes_a_line_where_one_is_missing() -> None:
    other = "def f():\n    prepare()\n    run_all()\n"
    assert ask(NGramBaseline(corpus(other=other)), "def g():\n    prepare()\n") == "    run_all()"


# ── copies ──────────────────────────────────────────────────────────────────────────────────


def test_nearest_copies_the_rest_of_the_line_with_the_longest_common_end() -> None:
    prefix = "a = self.load(path, 1)\nb = other.load(name)\nc = self.load("
    assert ask(NearestLineBaseline(corpus()), prefix) == "path, 1)"


def test_nearest_looks_above_first_then_below_then_elsewhere() -> None:
    other = corpus(other="load(elsewhere)\n")
    assert ask(NearestLineBaseline(other), "load(above)\nload(", "\nload(below)\n") == "above)"
    assert ask(NearestLineBaseline(other), "x = 1\nload(", "\nload(below)\n") == "below)"
    assert ask(NearestLineBaseline(other), "x = 1\nload(", "\n") == "elsewhere)"


def test_nearest_copies_what_follows_the_line_most_like_the_one_above() -> None:
    prefix = (
        "if first is None:\n    return 0\nfor x in y:\n    pass\ndef f():\n    if second is None:\n"
    )
    assert ask(NearestLineBaseline(corpus()), prefix) == "        return 0"


def test_nearest_copies_a_block_where_lines_are_wanted() -> None:
    other = "def load(path):\n    file = open(path)\n    return file.read()\n\nx = 1\n"
    prefix = "class A:\n    def load(self, path):\n        "
    answer = ask(NearestLineBaseline(corpus(other=other)), prefix, lines=True)
    assert answer == "file = open(path)\n        return file.read()"


def test_nothing_suggests_nothing() -> None:
    assert ask(NothingBaseline(), "x = ") == ""


# ── no leak ─────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [NGramBaseline, NearestLineBaseline])
@pytest.mark.parametrize("prefix", ["import os\n\n\n", "import os\n\n\nunique_"])
def test_the_text_left_out_is_nowhere_to_be_found(kind: type, prefix: str) -> None:
    """The file on disk, which is in the corpus, still has the answer."""
    head, line, tail = "import os\n\n\n", "unique_name = answer_to_it(42)", "\n\nother = 2\n"
    whole, holed = (
        corpus(a="import os\n", x=head + line + tail),
        corpus(a="import os\n", x=head + tail),
    )
    answers = [ask(kind(each), prefix, tail) for each in (whole, holed)]
    assert answers[0] == answers[1]
    assert "answer_to_it" not in answers[0]


@pytest.mark.parametrize("kind", [NGramBaseline, NearestLineBaseline])
def test_what_another_file_says_may_be_used(kind: type) -> None:
    head, line = "import os\n\n\n", "unique_name = answer_to_it(42)"
    both = corpus(x=head + line, y=head + line + "\n")
    assert ask(kind(both), head + "unique_") == "name = answer_to_it(42)"
