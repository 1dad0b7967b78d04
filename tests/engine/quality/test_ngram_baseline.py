from engine.quality import ngram_baseline
from engine.quality.corpus import Corpus, SourceFile
from engine.quality.ngram_baseline import ORDER, NGramBaseline, WordIndex
from tests.engine.quality.baseline_questions import ROOT, ask, corpus


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


def test_of_equally_frequent_words_the_first_met_is_taken() -> None:
    assert ask(NGramBaseline(corpus(other="load(b)\nload(a)\n")), "load(") == "b)"


def test_a_context_is_at_most_eight_words() -> None:
    index = WordIndex([list(range(1, 20))])
    assert len(index.spans(list(range(1, 15)))) == ORDER + 1


def test_a_word_that_is_begun_is_finished() -> None:
    other = "load(alpha)\nload(alpha)\nload(beta)\n"
    assert ask(NGramBaseline(corpus(other=other)), "load(be") == "ta)"
    assert ask(NGramBaseline(corpus(other=other)), "load(gam") == ""


def test_other_repositories_count_too() -> None:
    files = (SourceFile(ROOT.parent / "b", "x.py", "load(elsewhere)\n"),)
    assert ask(NGramBaseline(Corpus(files, {})), "load(") == "elsewhere)"


def test_a_large_corpus_is_cut(monkeypatch) -> None:
    monkeypatch.setattr(ngram_baseline, "MAX_CORPUS_CHARACTERS", 20)
    files = corpus(first="load(first)\n", second="load(second)\nload(second)\n")
    assert ask(NGramBaseline(files), "load(") == "first)"


def test_an_answer_has_an_end(monkeypatch) -> None:
    monkeypatch.setattr(ngram_baseline, "MAX_WORDS", 4)
    assert ask(NGramBaseline(corpus(other="x = a + b + c + d\n")), "x = ") == "a +"


def test_where_a_context_does_not_fit_the_next_shorter_one_counts() -> None:
    other = "q(alpha)\nz(beta)\nbear bear bear\n"
    assert ask(NGramBaseline(corpus(other=other)), "q(be") == "ta)"


def test_behind_an_unknown_context_stands_the_most_frequent_word() -> None:
    other = "x\nalpha(alpha(alpha(alpha\n"
    assert ask(NGramBaseline(corpus(other=other)), "%").startswith("alpha")
