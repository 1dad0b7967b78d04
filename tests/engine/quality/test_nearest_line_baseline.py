from engine.quality.nearest_line_baseline import MAX_BLOCK_LINES, NearestLineBaseline, SimilarLines
from tests.engine.quality.baseline_questions import ask, corpus


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


def test_nearest_says_nothing_of_what_stands_nowhere() -> None:
    assert ask(NearestLineBaseline(corpus(other="a = 1\n")), "x = 2\n%") == ""
    assert ask(NearestLineBaseline(corpus(other="a = 1\n")), "") == ""


def test_of_equally_like_lines_the_last_counts() -> None:
    lines = SimilarLines("load(a)\nload(b)\n", "other")
    assert lines.most_like("load(c)") == (0.6, 1)  # load, ( and ) of five words
    assert lines.most_like("load(c)", skip=range(1, 3)) == (0.6, 0)
    assert lines.most_like("+") == (0.0, -1)


def test_the_lines_after_a_line_are_of_its_text() -> None:
    lines = SimilarLines("a\n\nb\nc", "d\ne")
    assert [lines.after(i) for i in range(5)] == [["b", "c"], ["c"], [], ["e"], []]


def test_a_copied_line_is_indented_with_the_tabs_of_the_line_above() -> None:
    prefix = "if first is None:\n\treturn 0\n\tif second is None:\n"
    assert ask(NearestLineBaseline(corpus()), prefix) == "\t\treturn 0"


def test_nearest_copies_a_block_where_lines_are_wanted() -> None:
    other = "def load(path):\n    file = open(path)\n    return file.read()\n\nx = 1\n"
    prefix = "class A:\n    def load(self, path):\n        "
    answer = ask(NearestLineBaseline(corpus(other=other)), prefix, lines=True)
    assert answer == "file = open(path)\n        return file.read()"


def test_a_copied_line_moves_by_as_much_as_there() -> None:
    prefix = "class A:\n    if first is None:\n        return 0\nif second is None:\n"
    assert ask(NearestLineBaseline(corpus()), prefix) == "    return 0"


def test_of_equally_like_lines_the_own_text_comes_first() -> None:
    other = corpus(other="if first is None:\n    return 1\n")
    prefix = "if first is None:\n    return 0\nif second is None:\n"
    assert ask(NearestLineBaseline(other), prefix) == "    return 0"


def test_a_block_is_at_most_sixteen_lines() -> None:
    steps = "".join(f"    step_{i}()\n" for i in range(40))
    other = corpus(other="def load(a):\n" + steps)
    answer = ask(NearestLineBaseline(other), "def load(b):\n    ", lines=True)
    assert answer.count("step_") == MAX_BLOCK_LINES
