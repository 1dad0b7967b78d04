import numpy as np
import pytest

from engine.knowledge import line_search
from engine.knowledge.analogy import MOST_CHARACTERS
from engine.knowledge.cursor_lines import CursorLines
from engine.knowledge.line_search import (
    ANALOGY_BONUS,
    HALF_TYPED_BONUS,
    OWN_BONUS,
    SHARPNESS,
    FoundLine,
    find_lines,
)
from engine.knowledge.text_index import IndexView, TextIndex
from tests.engine_tokenizers import byte_tokenizer

TEXT = """\
class Shape:
    def area(self):
        width = self.width

        return width * self.height

    def name(self):
        return self.title
"""


def view_of(*texts: str, tokenizer=None, own: bool = False) -> IndexView:
    named = [(str(i), text) for i, text in enumerate(texts)]
    return IndexView(TextIndex(tokenizer or byte_tokenizer(), named), own=own)


def search(prefix: str, *views: IndexView, one_line: bool = True) -> list[FoundLine]:
    cursor = CursorLines.of(prefix, "", b"", one_line=one_line)
    return find_lines(views, byte_tokenizer(), cursor)


def texts_of(found: list[FoundLine]) -> list[str]:
    return [line.text.decode() for line in found]


def found(tokenizer, prefix, suffix="", *, one_line=True):
    """What the lines of `TEXT` offer for a cursor, best first."""
    cursor = CursorLines.of(prefix, suffix, b"", one_line=one_line)
    lines = find_lines([view_of(TEXT, tokenizer=tokenizer)], tokenizer, cursor)
    return [(line.text + line.ending(cursor)).decode() for line in lines]


# ── which lines are found ───────────────────────────────────────────────────────────────────


def test_what_is_typed_decides_which_lines_are_found(tokenizer):
    above = "    def name(self):\n        width = self.width\n        "
    assert len(found(tokenizer, above)) > 1
    assert found(tokenizer, above + "ret") == ["urn width * self.height\n"]
    assert found(tokenizer, above + "[") == []


def test_a_hidden_text_offers_nothing():
    index = view_of("a\nb = 1\n", "a\nb = 2\n").index
    assert texts_of(search("a\nb =", IndexView(index))) == [" 1", " 2"]
    assert texts_of(search("a\nb =", IndexView(index, hidden=frozenset({"0"})))) == [" 2"]
    assert search("a\nb =", IndexView(index, hidden=frozenset({"0", "1"}))) == []


def test_the_best_fitting_lines_come_first():
    view = view_of("xxxx\nb = 1\n\nzzzz\nb = 2\n\nyyyy\nb = 3\n")
    assert texts_of(search("zzzz\nb =", view))[0] == " 2"


def test_lines_without_any_fit_are_left_out():
    assert search("zzzz\nb =", view_of("\nxxxx\n  b = 1\n")) == []


def test_equal_fits_are_offered_in_the_order_of_their_texts():
    view = view_of("a\nb = 2\n", "a\nb = 1\n")
    assert texts_of(search("a\nb =", view)) == [" 1", " 2"]


def test_equal_lines_add_their_weights_and_the_first_place_stays():
    here, there = view_of("a\nb = 1\n"), view_of("a\nb = 1\n", "a\nb = 1\n")
    (once,), (three_times,) = search("a\nb =", here), search("a\nb =", here, there)
    assert once.weight == pytest.approx(np.exp(SHARPNESS * once.fit))
    assert once.score == pytest.approx(once.fit)
    assert three_times.weight == pytest.approx(3 * once.weight)
    assert three_times.score == pytest.approx(once.fit + np.log(3) / SHARPNESS)
    assert three_times.index is here.index.lines


def test_a_line_that_stands_in_more_places_comes_first():
    view = view_of("a\nb = 1\n", "a\nb = 2\n", "a\nb = 2\n")
    assert texts_of(search("a\nb =", view)) == [" 2", " 1"]


def test_the_buffers_own_lines_come_first():
    other, own = view_of("a\nb = 1\n"), view_of("a\nb = 2\n", own=True)
    first, second = search("a\nb =", other, own)
    assert first.text == b" 2"
    assert first.fit - second.fit == pytest.approx(OWN_BONUS)


def test_the_number_of_lines_is_limited(monkeypatch: pytest.MonkeyPatch):
    view = view_of(*(f"a\nb = {i}\n" for i in range(9)))
    monkeypatch.setattr(line_search, "MAX_FOUND", 3)
    assert texts_of(search("a\nb =", view)) == [" 0", " 1", " 2"]


@pytest.mark.parametrize(("limit", "typed"), [("MAX_LOOKED_AT", "b ="), ("MAX_UNTYPED", "")])
def test_only_the_best_fitting_lines_are_looked_at(
    monkeypatch: pytest.MonkeyPatch, limit: str, typed: str
):
    near = [f"a\nb = {i}\n" for i in (1, 2)]
    view = view_of("", *(f"ax\nb = {i}\n" for i in range(3, 9)), *near)
    monkeypatch.setattr(line_search, limit, 2)
    assert [text[-1] for text in texts_of(search("a\n" + typed, view))] == ["1", "2"]


# ── rewritten lines ─────────────────────────────────────────────────────────────────────────


def test_a_word_half_typed_may_stand_for_another(tokenizer):
    assert found(tokenizer, "def area(self):\n        ret") == [
        "urn self.title\n",
        " = self.ret\n",  # where width stands there
    ]


def test_lines_are_rewritten_by_what_differs_around_them(tokenizer):
    texts = found(tokenizer, "    def volume(self):\n        depth = self.depth\n        ")
    assert texts[0] == "return depth * self.height\n"


def test_a_rewritten_line_fits_better_than_its_copy():
    rewritten, copy = search("    def depth():\n", view_of("def width():\n    return width\n"))
    assert (rewritten.text, copy.text) == (b"        return depth", b"        return width")
    assert rewritten.fit - copy.fit == pytest.approx(ANALOGY_BONUS)
    assert copy.analogy is None


def test_a_line_rewritten_by_a_half_typed_word_fits_worse():
    view = view_of("", "f(a)\nwidth = get(width)\n")
    # "wid" may be the beginning of "width", or a name of its own.
    copy, rewritten = search("f(a)\nwid", view)
    assert (copy.text, rewritten.text) == (b"th = get(width)", b" = get(wid)")
    assert rewritten.fit - copy.fit == pytest.approx(HALF_TYPED_BONUS)


@pytest.mark.parametrize("distance", [-4, -3, -2, -1, 1, 2, 3])
def test_a_neighbour_tells_what_a_word_stands_for(distance: int):
    there, here = list("1234*678"), list("1234*678")
    there[4], there[4 + distance], here[4 + distance] = "y = x", "f(x)", "f(z)"
    above, below = here[:4], here[5:]
    cursor = CursorLines.of("\n".join([*above, "y ="]), "\n" + "\n".join(below), b"", one_line=True)
    found = find_lines([view_of("\n".join(there))], byte_tokenizer(), cursor)
    assert b" z" in [line.text for line in found]


def test_lines_indented_from_the_one_above_as_here_come_first():
    view = view_of("", "a\nb = 1\n", "a\n  b = 2\n", "  a\nb = 3\n")
    for prefix, best in (("  a\n  b =", " 1"), ("a\n  b =", " 2"), ("  a\nb =", " 3")):
        assert texts_of(search(prefix, view))[0] == best


def test_the_nearest_line_is_trusted_first():
    # Above the cursor x stands for two names: the nearer line decides.
    view = view_of("f(x)\nf(x)\nreturn x\n")
    assert texts_of(search("f(far)\nf(near)\nreturn ", view))[0] == "near"


def test_where_nothing_differs_a_line_is_offered_once():
    assert texts_of(search("f(x)\n", view_of("", "f(x)\nreturn x\n"))) == ["return x"]


def test_a_long_line_is_copied_and_not_rewritten():
    long = "x = [" + "width, " * (MOST_CHARACTERS // 7) + "]"
    texts = texts_of(search("f(depth)\nx =", view_of(f"f(width)\n{long}\n")))
    assert texts == [long[3:]]


@pytest.mark.parametrize("limit", ["MAX_COMPARED", "MAX_REWRITTEN"])
def test_only_some_lines_are_rewritten(monkeypatch: pytest.MonkeyPatch, limit: str):
    view = view_of(*(f"f(width)\nx{i} = width\n" for i in range(5)))
    monkeypatch.setattr(line_search, limit, 2)
    texts = texts_of(search("f(depth)\nx", view))
    assert [text for text in texts if "depth" in text] == ["0 = depth", "1 = depth"]
    assert len([text for text in texts if "width" in text]) == 5


# ── indentation and endings ─────────────────────────────────────────────────────────────────


def test_at_a_line_start_the_indentation_moves_as_it_does_there(tokenizer):
    texts = found(tokenizer, "  class A:\n      def area(self):\n")
    assert texts[0] == " " * 10 + "width = self.width\n"


def test_indentation_that_is_typed_is_not_written_again():
    assert texts_of(search("if a:\n    ", view_of("if a:\n    b()\n")))[0] == "b()"


def test_indentation_never_moves_back_beyond_the_margin():
    view = view_of("", "        a\n  b\n")
    assert texts_of(search("  a\n", view))[0] == "b"


def test_where_no_line_stands_above_there_the_indentation_stays():
    view = view_of("", "    b\nc\n")
    cursor = CursorLines.of("  a\n", "\nc", b"", one_line=True)
    assert find_lines([view], byte_tokenizer(), cursor)[0].text == b"  b"


def test_several_lines_come_with_their_indentation_moved(tokenizer):
    texts = found(tokenizer, "def area(self):\n    ", one_line=False)
    assert texts[0] == "width = self.width\n\n    return width * self.height\n"


@pytest.mark.parametrize(
    ("there", "here"), [("\t", "\t"), ("    ", "\t"), ("\t", "    "), ("    ", "    ")]
)
def test_lines_are_indented_as_the_lines_around_the_cursor_are(tokenizer, there, here):
    view = view_of(TEXT.replace("    ", there), tokenizer=tokenizer)

    def best(prefix, *, one_line):
        cursor = CursorLines.of(prefix.replace("    ", here), "", b"", one_line=one_line)
        line = find_lines([view], tokenizer, cursor)[0]
        return (line.text + line.ending(cursor)).decode().replace(here, "    ")

    assert best("class A:\n    def area(self):\n", one_line=True) == "        width = self.width\n"
    assert best("class A:\n    def area(self):\n        width = self.width\n", one_line=True) == (
        "        return width * self.height\n"
    )
    assert best("class A:\n", one_line=False).startswith(
        "    def area(self):\n        width = self.width\n\n        return"
    )
    # Back by a step.
    whole = "class A:\n    def area(self):\n        width = self.width\n        return width\n"
    assert best(whole, one_line=True) == "    def name(self):\n"


def test_half_a_tab_of_spaces_is_a_whole_tab():
    view = view_of("if a:\n  b()\n")
    assert texts_of(search("\tx = 1\n\tif a:\n", view))[0] == "\t\tb()"


def test_several_lines_are_rewritten_together(tokenizer):
    texts = found(tokenizer, "def area(self):\n    depth = ", one_line=False)
    assert texts[0] == "self.depth\n\n    return depth * self.height\n"


def ending(prefix: str, *texts: str) -> str:
    cursor = CursorLines.of(prefix, "", b"", one_line=False)
    best = find_lines([view_of(*texts)], byte_tokenizer(), cursor)[0]
    return best.ending(cursor).decode()


def test_several_lines_end_with_their_block():
    text = "def f():\n    a\n    if b:\n        c\nd\n"
    assert ending("def f():\n    ", text) == "\n    if b:\n        c\n"


def test_several_lines_end_with_their_text():
    assert ending("def f():\n    ", "def f():\n    a", "    b\n") == "\n"


def test_several_lines_are_at_most_eight():
    text = "def f():\n" + "".join(f"    a{i}\n" for i in range(20))
    assert ending("def f():\n    a0", text).count("\n") == 8


def test_blank_lines_are_kept_without_their_white_space():
    assert ending("def f():\n    ", "def f():\n    a\n\n   \n    b\n") == "\n\n\n    b\n"
