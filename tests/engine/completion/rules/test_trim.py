"""One golden table per rule: the cursor, the text, what is kept.  ``|`` is the cursor."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.completion.code.surroundings import Surroundings
from engine.completion.rules import repeated_text, trim


def around(view, path=""):
    prefix, _, suffix = view.partition("|")
    return Surroundings.of(prefix, suffix, path)


def check(rule, view, text, kept, path=""):
    assert rule(text, around(view, path)) == kept
    # A rule only ever cuts, and has nothing left to cut afterwards.
    assert rule(kept, around(view, path)) == kept


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("f(|)", "a\nb", "a"),
        ("f(|)  ", "a, b", "a, b"),
        ("x = |\ny", "1\nz", "1\nz"),
        ("x = |   \ny", "1\nz", "1\nz"),
    ],
)
def test_one_line_where_the_line_goes_on(view, text, kept):
    check(trim.first_line_before_text, view, text, kept)


@pytest.mark.parametrize(
    ("text", "kept"),
    [("a\x00b", "a"), ("a\tb\nc", "a\tb\nc"), ("é\ufffd", "é"), ("a\x1b[0m", "a"), ("a\r\n", "a")],
)
def test_only_printable_text(text, kept):
    check(trim.printable, "|", text, kept)


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("|", "    return self.x", ""),
        ("\n\n|\n\n", "\n\tx = 1\n", ""),
        ("|\nimport os\n", "  x", ""),
        ("|", "    ", "    "),  # it may become a blank line
        ("|", "    \nimport os", "    \nimport os"),
        ("|", "def f():\n    return 1", "def f():\n    return 1"),
        ("|\n    b: 1\n", "    a: 2", "    a: 2"),
        ("a:\n|", "    b: 1", "    b: 1"),
        ("    |", "  b", "  b"),
    ],
)
def test_nothing_indented_begins_a_file(view, text, kept):
    check(trim.where_indented_lines_stand, view, text, kept)


@pytest.mark.parametrize(
    "sign",
    ["\x9b31m", "\u202e", "\u2066", "\u200f", "\u2028", "\u200b", "\ufeff", "\U000e0041", "\x7f"],
    ids=ascii,
)
def test_what_a_person_could_not_see_is_never_suggested(sign):
    """A file of the repository may hold it, to be copied from there into another."""
    for view, text, kept in (
        ("x = |", f"'a{sign}b'", "'a"),
        ("x = |\ny", f"1\nz{sign} = 2\n", "1\nz"),
        ("|", sign, ""),
    ):
        assert trim.trim(text, around(view)) == kept
    assert (
        trim.trim("x = '👩\u200d👧 می\u200cخواهم'", around("|")) == "x = '👩\u200d👧 می\u200cخواهم'"
    )


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        # the cursor's line opens a block
        ("def f():|", "\n    return 1\n\ndef g():", "\n    return 1\n"),
        ("    if a:|", "\n        b\n    x", "\n        b"),
        # … and a statement of several branches goes on
        ("if a:|", "\n    b\nelse:\n    c\nd", "\n    b\nelse:\n    c"),
        ("try:|", "\n    b\nexcept E:\n    c\n", "\n    b\nexcept E:\n    c\n"),
        # … as do closing brackets
        ("x = [|", "\n    1,\n]\ny = 2", "\n    1,\n]"),
        # inside a block, lines of the same indentation belong to it
        ("def f():\n    |", "a = 1\n    return a\nx = 2", "a = 1\n    return a"),
        ("def f():\n    a = |", "1\n    b = 2\nc", "1\n    b = 2"),
        # a blank line without indentation: the first line written decides
        ("def f():\n|", "    a\n    b\nc", "    a\n    b"),
        ("def f():\n    |", "\n    a\nb", "\n    a"),
        # the rest of a line, then another thing
        ("    return |", "x\n\n\ndef g():", "x\n\n"),
        # a half line may still become a branch
        ("if a:|", "\n    b\nel", "\n    b\nel"),
        ("if a:|", "\n    b\nelephant = 1\n", "\n    b"),
        ("if a:|", "\n    b\n    ", "\n    b\n    "),
        # a statement of several lines that the text itself begins is no block
        (
            "def f():\n    |",
            "x = g(\n        a,\n    )\n    return x\ny",
            "x = g(\n        a,\n    )\n    return x",
        ),
        # nor does a block inside the text end it, only one that its first line heads
        (
            "def f():\n    |",
            "x = 1\n    if a:\n        b\n    return c",
            "x = 1\n    if a:\n        b\n    return c",
        ),
        ("def f():\n    |", "if a:  # why\n        b\n    return c", "if a:  # why\n        b"),
        # tabs
        ("\tif a:|", "\n\t\tb\n\tx", "\n\t\tb"),
    ],
)
def test_within_the_block(view, text, kept):
    check(trim.within_block, view, text, kept)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\n\n\nb", "a"),
        ("a\n\nb", "a\n\nb"),
        ("a\n  \n\t\nb", "a"),
        ("\n\n\nclass A:", "\n\n\nclass A:"),
    ],
)
def test_two_blank_lines_end_it(text, kept):
    check(trim.before_double_blank, "|", text, kept)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("x = 1\nx = 1\nx = 1\n", "x = 1"),
        ("a\nx = 1\n\nx = 1\nx = 1  \nb", "a\nx = 1\n"),
        ("x = 1\nx = 1\ny\n", "x = 1\nx = 1\ny\n"),
        ("x = 1\nx = 1\nx = 1", "x = 1\nx = 1\nx = 1"),
        ("}\n}\n}\n", "}\n}\n}\n"),
        ("  b\nb\n  b\nb\n", "  b\nb\n  b\nb\n"),
    ],
)
def test_a_repeated_line_is_kept_once(text, kept):
    check(repeated_text.before_repeated_lines, "|", text, kept)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("foo(foo(foo(foo(foo(foo(foo(", "foo("),
        ("x = self.name.self.name.self.name.self.name.self.name", "x = self.name."),
        ("# ----------------------------", "# ----------------------------"),
        ("a, b, a, b, a, b", "a, b, a, b, a, b"),
        ("return [0, 0, 0]", "return [0, 0, 0]"),
    ],
)
def test_a_pattern_in_circles_is_kept_once(text, kept):
    check(repeated_text.before_repeated_pattern, "|", text, kept)


NAMES = "|\n]\nmy_names = [\n    the_first,\n]\n"


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("a|\nreturn result", " = 1\nreturn result\n", " = 1"),
        ("a|\nreturn result", " = 1\nreturn result", " = 1\nreturn result"),  # not complete
        ("a|\n    return result", " = 1\nreturn result\n", " = 1\nreturn result\n"),
        ("a|\nelse:", "\nelse:\n", "\nelse:\n"),  # says too little
        ("ret|\nreturn result", "urn result\n", ""),
        ("|\n\n  foo_bar(1)\n", "x\n  foo_bar(1)  \ny", "x"),
        # other spaces or quotes make no other line
        ("|\nfoobar(a, 'b')\n", 'x\nfoobar(a,"b")\ny', "x"),
        # lines that say too little count together
        (NAMES, "x,\n]\nmy_names = [\n    the_first,\n", "x,"),
        (NAMES, "x,\n]\nmy_names = [\n    the", "x,\n]\nmy_names = [\n    the"),
        (NAMES, "x,\n]\nmy_names = (\n    the_first,\n", "x,\n]\nmy_names = (\n    the_first,\n"),
    ],
)
def test_the_line_below_is_not_written_again(view, text, kept):
    check(repeated_text.before_lines_below, view, text, kept)


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("x = |self.something = other()", "a, self.something = other()", "a, "),
        ("|short()", "a short()", "a short()"),
        # neighbours may begin alike
        (
            "    |\n    parser.add_argument('--b')",
            "parser.add_argument('--a')",
            "parser.add_argument('--a')",
        ),
        ("|====================", "x ====================", "x ===================="),
    ],
)
def test_it_ends_where_the_suffix_begins(view, text, kept):
    check(repeated_text.before_suffix, view, text, kept)


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("f(|)", "a, b)", "a, b"),
        ("f(|)", "g(x)", "g(x)"),
        ("f(|)", "g(x))", "g(x)"),
        ("f(|)", "')'", "')'"),
        ("f(|)", "a[1])", "a[1]"),
        ("x = [\n    1,|\n]", "\n    2,\n]\ny", "\n    2,\n"),
        ("f('|')", "a)b", "a)b"),
        ("f(|", "a)", "a)"),
        ("f(|]", "a)", "a)"),
        ("f(|)", r"'\')', b)", r"'\')', b"),
        # the bracket below is another line's
        ("bar(\n    foo(a|\n)", ", b),", ", b),"),
        ("x = [\n    [1, |\n]", "2],", "2],"),
        ("x = [\n    [1, |\n]", "2]]", "2]"),
        ("foo(|\n)", "a)", "a"),
    ],
)
def test_brackets_that_stand_there_already_are_not_closed_again(view, text, kept):
    check(repeated_text.before_own_closer, view, text, kept)


RETURNS = "def f(a):\n    return a\n    |\n"


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        (RETURNS, "b = a", ""),
        (RETURNS.replace("return a", "raise ValueError(\n        a,\n    )"), "b = a", ""),
        (RETURNS.replace("return a", "return a  # a\n    # b\n"), "b = a", ""),
        ("for a in b:\n    if a:\n        continue\n        |\n", "c()", ""),
        ("def f(a):\n    |\n", "return a\n    b = a\n", "return a"),
        ("def f(a):|\n", "\n    raise E(\n    a\n    )\n\n    b", "\n    raise E(\n    a\n    )\n"),
        ("while a:\n    |\n", "break\n    b", "break"),
        ("def f(a):\n    return |\n", "a\n    b", "a"),
        # another block
        (RETURNS, "\ndef g(): pass", "\ndef g(): pass"),
        ("if a:\n    return b\n|\n", "return c", "return c"),
        ("if a:\n    |\n", "if b:\n        break\n    c()", "if b:\n        break\n    c()"),
        # the same statement, or none
        ("def f(a):\n    |\n", "return (\n    a\n    )", "return (\n    a\n    )"),
        ("def f(a):\n    |\n", "return a \\\n    + 1", "return a \\\n    + 1"),
        ("def f(a):\n    |\n", 'return """\n    a"""', 'return """\n    a"""'),
        (RETURNS, "# done", "# done"),
        (RETURNS, "yield a", "yield a"),
        ('"""Do.\n\nreturn a\n|\n', "b = a", "b = a"),
        ("return_value = 1\n|\n", "b = 1", "b = 1"),
        # what the person began
        (RETURNS.replace("|", "b|"), " = a", " = a"),
    ],
)  # fmt: skip
def test_nothing_that_never_runs(view, text, kept):
    check(trim.before_dead_code, view, text, kept, "a.py")


def test_of_other_languages_nobody_knows_what_runs():
    check(trim.before_dead_code, "return a\n|\n", "b = a", "b = a", "a.rb")


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("def f():|", '\n    """Do it."""\n    pass', ""),
        ("def f():|", "\n    # do it\n    pass", ""),
        ("def f():\n    # why\n    |", '"""Do it."""', ""),
        ("x = 1\n|", "\n# a/b.py\n", ""),
        ("x = 1\n|", "#", ""),
        # begun by the person, or behind code
        ("# do |", "it\n# then that", "it\n# then that"),
        ("# do it|", "\n# then that", "\n# then that"),
        ('def f():\n    """Do it|', '\n    # so."""', '\n    # so."""'),
        ("x = |", "1  # one\n# two", "1  # one\n# two"),
        ("x = dedent(\n    |", '"""a"""', '"""a"""'),
        ("x = |", '"""a"""', '"""a"""'),
    ],
)
def test_no_remark_that_nobody_began(view, text, kept):
    check(trim.before_remark, view, text, kept, "a.py")


@pytest.mark.parametrize(
    ("path", "view", "text", "kept"),
    [
        ("a.py", "x = |", "1\n```\nThis sets x.", "1"),
        ("a.py", "|", "```python\nx = 1\n```", ""),
        ("a.js", "|", "x = 1;\n  ```", "x = 1;"),
        ("a.py", 'def f():\n    """Do.\n|', "    ```\n    f()", "    ```\n    f()"),
        ("a.py", "def f():\n|", '    """Do.\n    ```\n', '    """Do.\n    ```\n'),
        ("a.md", "|", "```python\n", "```python\n"),
        ("a.py", "x = |", "'```'", "'```'"),
    ],
)
def test_no_markdown_in_code(path, view, text, kept):
    check(trim.before_fence, view, text, kept, path)


def test_at_most_so_many_lines():
    lines = [f"line{i}\n\n" for i in range(30)]
    kept = trim.at_most_max_lines("".join(lines), around("|"))
    assert kept == "".join(lines[: trim.MAX_LINES]).rstrip("\n")


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("x = 1\n    |", "    y", "y"),
        ("    x = 1\n    |", "    y", "y"),
        ("    if x:\n    |", "    y", "    y"),
        ("    x = f(\n    |", "    y", "    y"),
        ("        x\n    |", "    y", "    y"),  # back to the line above
        ("    x\n    a|", " b", " b"),
        ("    x\n|", "    y", "    y"),
        # … nor is the space behind a word
        ("x = |", " 1", "1"),
        ("x = |", "  1", "  1"),
        ("x =  |", " 1", " 1"),
        ("x = 1 |", " # one", " # one"),
        ("x = 'a |", " b'", " b'"),
    ],
)
def test_indentation_that_is_there_is_not_written_again(view, text, kept):
    check(trim.without_extra_indent, view, text, kept)


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("x = |foo(1)", "foo(1)", ""),
        ("x = |foo(1)", "bar + foo(1)", "bar + "),
        ("x = |foo(1)", "bar + foo", "bar + "),
        ("print('|')", "hello'", "hello"),
        ("print('|')", "a' + 'b", "a' + 'b"),
        ("x = |", "foo", "foo"),
        ("f(a|, b)", "b, ", "b, "),
        ("if x |:", "== 1:", "== 1"),
        ("foo(a, |,", "b,", "b"),
        ("x[|:2]", "1:", "1:"),
    ],
)
def test_the_rest_of_the_line_is_not_written_again(view, text, kept):
    check(repeated_text.without_rest_of_line, view, text, kept)


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("x = {|\n}", "\n    1: 2,\n}", "\n    1: 2,"),
        ("|\na = 1\nb = 2", "z = 0\na = 1\nb = 2", "z = 0"),
        ("|\na = 1\nb = 2", "z = 0\na = 1", "z = 0"),
        ("|\na = 1\nb = 2", "a = 1\nb = 2\n", ""),
        ("|\n\na = 1", "z\n\na = 1\n", "z\n"),
        ("|\na = 1\nb = 2", "z = 0\nb = 2", "z = 0\nb = 2"),
        ("pas|\npass", "s", "s"),  # the cursor's own line stays
        ("    |\n    pass", "pass", ""),
    ],
)
def test_the_lines_below_are_not_written_again(view, text, kept):
    check(repeated_text.without_lines_below, view, text, kept)


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("total = total + 1\n|", "total = total + 1", ""),
        ("total = total + 1\n|", "total = total + 1\nb", ""),
        ("total = total + 1\n|", "total = total + 2", "total = total + 2"),
        ("total = f('a', 1)\n|", 'total = f("a",1)', ""),
        ("pass\n|", "pass", "pass"),
        ("    total_a = b\n    |", "total_a = b", ""),
    ],
)
def test_the_line_above_is_not_written_again(view, text, kept):
    check(repeated_text.without_line_above, view, text, kept)


@pytest.mark.parametrize(
    ("view", "text", "kept"),
    [
        ("|", "a  \n\n  ", "a"),
        ("|", "  \n\t", ""),
        ("f(|b)", "a, ", "a, "),
        ("f(|b)", "a, \n", "a, "),
        ("f(| b)", "a, ", "a,"),
        ("|", "\n    a", "\n    a"),
    ],
)
def test_no_blank_end(view, text, kept):
    check(trim.without_blank_end, view, text, kept)


@pytest.mark.parametrize(
    ("view", "text", "multi_line", "kept"),
    [
        ("def f(a, b):\n    |\n", "return a + b\n\n\ndef g():", True, "return a + b"),
        ("def f(a, b):\n    |\n", "c = a\n    return c", False, "c = a"),
        ("print(|)\n", '"hello")\nprint()', True, '"hello"'),
        ("x|\n", "\n", True, ""),
    ],
)
def test_all_rules_together(view, text, multi_line, kept):
    assert trim.trim(text, around(view), multi_line=multi_line) == kept


pieces = st.lists(
    st.sampled_from(
        [
            "a",
            "foo",
            "return x",
            " ",
            "#",
            '"""',
            "```",
            "\nreturn\n",
            "yield",
            "\\",
            "    ",
            "\n",
            "(",
            ")",
            "'",
            '"',
            "else:",
            "x = 1\n",
            "\n\n",
        ]
    ),
    max_size=14,
).map("".join)


@pytest.mark.parametrize("rule", trim.SETTLED, ids=lambda rule: rule.__name__)
@given(prefix=pieces, suffix=pieces, text=pieces, more=pieces)
def test_more_text_never_undoes_a_settled_cut(rule, prefix, suffix, text, more):
    where = Surroundings.of(prefix, suffix, "a.py")
    kept = rule(text, where)
    assert text.startswith(kept)
    if kept != text:
        assert rule(text + more, where) == kept


@given(prefix=pieces, suffix=pieces, text=pieces)
def test_what_is_kept_is_a_part_of_the_text_and_has_text(prefix, suffix, text):
    where = Surroundings.of(prefix, suffix, "a.py")
    kept = trim.trim(text, where)
    assert trim.without_extra_indent(text, where).startswith(kept)
    assert kept == "" or kept.strip()


def test_a_block_that_comes_twice_running_is_kept_once():
    block = "first = read(a)\n    second = read(b)\n    "
    assert (
        trim.trim(block + block + "third = 3\n", Surroundings("    ", "", "    x = 1"))
        == block.rstrip()
    )
    # Two of the same kind are no repetition.
    pair = "a.append(first)\n    b.append(first)\n    a.append(second)\n    b.append(second)"
    assert trim.trim(pair, Surroundings("    ", "", "    x = 1")) == pair


def test_repeated_quotes_are_kept_once():
    assert trim.trim('    """\n    """\n    """\n', Surroundings.of("def f():\n", "")) == '    """'


def test_the_unfinished_last_line_of_several_is_dropped():
    assert trim.without_unfinished_line("a = 1\nb = (") == "a = 1"
    assert trim.without_unfinished_line("return val") == "return val"
    assert trim.without_unfinished_line("\nval") == "\nval"
