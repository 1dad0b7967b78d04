import pytest

from engine.knowledge.analogy import Analogy, common_words, typed_words


def rewritten(line, *pairs):
    return Analogy([common_words(there, here) for there, here in pairs])(line)


@pytest.mark.parametrize(
    ("line", "there", "here", "wanted"),
    [
        ("return self._width", "def width(self):", "def height(self):", "return self._height"),
        ("self.set_width(1)", "width = 1", "max_height = 1", "self.set_max_height(1)"),
        ("class WidthError:", "width: int", "height: int", "class HeightError:"),
        ("MAX_WIDTH = 3", "width: int", "height: int", "MAX_HEIGHT = 3"),
        ("getWidth()", "setWidth(x)", "setHeight(x)", "getHeight()"),
        ("return x", "def f(x):", "def f(y):", "return y"),
        ("for a in b:", "if a:", "while a:", "for a in b:"),  # grammar stands for nothing
        ("x = None", "f(None)", "f(0)", "x = 0"),  # values stand for others
        ("my_width()", "old_width", "new_width", "my_width()"),  # what both names share stays
        ("old_height()", "old_width", "new_width", "new_height()"),
        ("setWidth(x)", "width: int", "max_height: int", "setMaxHeight(x)"),
        ("minWidth(x)", "min_width = 1", "largest_box_size = 1", "largestBoxSize(x)"),
        ("set_max_width(1)", "max_width = 1", "size = 1", "set_size(1)"),  # several for one
        ("_width2", "width", "height", "_height2"),
        ("get_width(1)", "set_width", "set", "get_width(1)"),  # "width" has no counterpart
        ("get_min_x()", "min_x_width", "max_width", "get_max()"),
        ("MY_ID = 1", "id: int", "key: int", "MY_KEY = 1"),
        ("pointX()", "x: int", "height: int", "pointHeight()"),  # one capital is no style
        ("for a in b", "for_each", "by_each", "for a in b"),
    ],
)
def test_words_that_differ_are_replaced(line, there, here, wanted):
    assert rewritten(line, (there, here)) == wanted


def test_a_part_never_overrules_a_whole_word():
    # "width" is "height", but "set_width" itself stays.
    pairs = [("width", "height"), ("set_width", "set_width")]
    assert Analogy([pairs])("set_width(width)") == "set_width(height)"


def test_the_longest_run_of_parts_is_replaced():
    analogy = Analogy([[("max_width", "size"), ("width", "height")]])
    assert analogy("get_max_width(min_width)") == "get_size(min_height)"
    analogy = Analogy([[("a_b_c", "x"), ("d_e", "y")]])
    assert analogy("get_d_e_f(get_a_b_c)") == "get_y_f(get_x)"


def test_grammar_here_replaces_nothing():
    assert Analogy([[("a", "if"), ("b", "c")]])("a + b") == "a + c"


def test_the_first_evidence_counts():
    assert rewritten("f(a)", ("x = a", "x = b"), ("x = a", "x = c")) == "f(b)"


def test_a_word_that_is_the_same_around_stays():
    # `name` is `title` in one place, but `self.name` itself is said here too
    assert rewritten("self.name", ("f(self.name)", "f(self.name)"), ("name", "title")) == (
        "self.name"
    )


def test_lines_of_another_build_say_nothing():
    assert common_words("return a", "x = [1, 2, 3]") == ()
    assert common_words("f(a, b)", "f(a, b, c)") == (("f", "f"), ("a", "a"), ("b", "b"))


def test_lines_of_nearly_the_same_build_are_compared_where_they_agree():
    # One word for one word is compared, one for two is not.
    assert common_words("f(a, 1, b)", "f(c, 1, b, 2)")[1] == ("a", "c")
    for several in ("(y)", "y.z"):
        pairs = common_words("f(a, x, 1)", f"f(a, {several}, 1)")
        assert pairs == (("f", "f"), ("a", "a"), ("1", "1"))


def test_a_word_never_stands_for_a_sign():
    assert common_words("x = a", "x y a") == (("x", "x"), ("a", "a"))
    assert common_words("a + b", "c = d") == ()
    assert typed_words("x = a", "x y") is None


def test_lines_are_compared_if_half_of_both_is_common():
    assert common_words("g(a, b)", "h = g(a)[0]") == (("g", "g"), ("a", "a"))  # 8 of 15 pieces
    assert common_words("g(a, b)", "h = g(a)[0] + 1") == ()  # 8 of 17


def test_white_space_does_not_matter():
    assert common_words("a=f( b )", "c = f(d)") == (("a", "c"), ("f", "f"), ("b", "d"))


def test_tables_are_not_compared():
    row = "[" + "1, 2, " * 100 + "]"
    assert common_words("a = " + row, "b = " + row) == ()
    assert common_words("a = [1]", "b = [1]")


def test_what_is_typed_is_compared_with_a_beginning():
    assert typed_words("self.a = a", "self.b = ") == ([("self", "self"), ("a", "b")], [])
    assert typed_words("self.a = a", "self.b") == ([("self", "self")], [("a", "b")])
    assert typed_words("self.a", "self.b") == ([("self", "self")], [("a", "b")])
    assert typed_words("self.a = a", "") == ([], [])
    assert typed_words("self.a = a", "self[") is None
    assert typed_words("a", "a b c") is None
