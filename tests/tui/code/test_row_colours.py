"""Colours that are kept over edits are those of a text that was just opened."""

from random import Random

import pytest

from tui.code import row_colours
from tui.code.highlights import grammar, query_rows
from tui.code.row_colours import RowColours
from tui.code.text_buffer import TextBuffer

SAMPLES = {
    "python": """
        import re
        Name = NewType("Name", str)
        Other: TypeAlias = int

        class Tree(Base):
            kind = "oak"

            @property
            def f(self, x: int = 3) -> str:
                \"\"\"Two
                rows.\"\"\"
                if isinstance(x, Leaf) and x.size >= 2:
                    print(f"{x!r} 字", None, x.call(1))
                return re.match(self, x)[0]
        """,
    "html": """
        <html><head><title>one</title></head>
        <body><a
          href="two"
          rel='x'>three</a><!-- four --></body></html>
        """,
    "javascript": """
        class A extends B { get x() { return this.y(`a${z}`) } }
        const f = async (a, ...b) => { /* c */ await require("x").d; }
        """,
    "json": """{"a": [1, true,\n null], "b": {"c": "d"}}""",
    "css": """a:hover > .b { color: #fff; width: calc(1px + 2%) }\n@media print { c { d: e } }""",
    "rust": """
        impl<T> A for B<T> { fn c(&self) -> u8 { d!("{}", E::F); self.g as u8 } }
        """,
    "toml": """[a.b]\nc = "d" # e\nf = [1, 2.5, true,\n 1979-05-27]""",
    "yaml": """a: &b\n  - c: "d"\n  - *b\ne: |\n  f\n  g\n""",
    "bash": """for a in $(b "$c"); do\n  if [ -f "$a" ]; then echo 'd' | e; fi\ndone # f""",
    "markdown": """# A\n\n- b `c`\n\n```python\nreturn None\n```\n\n[d](e)\n""",
}
PIECES = [
    "",
    "x",
    " ",
    "\n",
    '"',
    '"""',
    "(",
    ")",
    "{",
    "}",
    "<",
    ">",
    "=",
    ":",
    "#",
    "return ",
    "字",
]
PIECES += ["isinstance", "self.", "    ", "/", "\n\n", "href", "TypeAlias"]


def _all_rows(name, buffer):
    fresh = TextBuffer(buffer.text, grammar(name).language)
    colours = RowColours(fresh, grammar(name), fenced=name == "markdown")
    return [colours.spans(row) for row in range(fresh.line_count)]


def _drawn(rows):
    """What lies on each character, from the bottom up: spans beside each other have no order."""
    return [
        [[name for start, end, name in spans if start <= column < end] for column in range(200)]
        for spans in rows
    ]


def _place(rng, buffer):
    row = rng.randrange(buffer.line_count)
    return row, rng.randint(0, len(buffer[row]))


@pytest.mark.parametrize("name", SAMPLES)
def test_after_any_edits_the_colours_are_those_of_a_new_text(name):
    rng = Random(name)
    if grammar(name) is None:
        pytest.skip("the grammar is not installed")
    for _ in range(6):
        buffer = TextBuffer(SAMPLES[name], grammar(name).language)
        colours = RowColours(buffer, grammar(name), fenced=name == "markdown")
        colours.follow()
        for _ in range(25):
            for _ in range(rng.choice([1, 1, 1, 1, 2])):
                start = _place(rng, buffer)
                end = rng.choice([start, start, (start[0], start[1] + 1), _place(rng, buffer)])
                if abs(end[0] - start[0]) > 2:
                    end = start
                buffer.replace_range(start, end, rng.choice(PIECES))
            if rng.random() < 0.1:  # drawn before it is parsed
                colours.spans(rng.randrange(buffer.line_count))
            if rng.random() < 0.9:
                buffer.parse()
                got = [colours.spans(row) for row in range(buffer.line_count)]
                assert _drawn(got) == _drawn(_all_rows(name, buffer)), buffer.text


def test_a_letter_asks_for_its_row_and_enter_moves_the_others(monkeypatch):
    python = grammar("python")
    buffer = TextBuffer("def f(name):\n    return name\n" * 30, python.language)
    colours = RowColours(buffer, python, fenced=False)
    colours.follow()
    asked = []
    monkeypatch.setattr(
        row_colours, "query_rows", lambda *call: asked.append(call[2:]) or query_rows(*call)
    )

    def drawn(edit):
        asked.clear()
        if edit:
            buffer.replace_range(*edit)
            buffer.parse()
        for row in range(40):
            colours.spans(row)
        return list(asked)

    assert drawn(None) == [(0, 32), (32, 61)]
    assert drawn(((3, 15), (3, 15), "s")) == [(3, 4)]
    below = colours.spans(10)
    assert drawn(((3, 16), (3, 16), "\n    ")) == [(3, 5)]
    assert colours.spans(11) == below


def test_until_an_edit_is_parsed_its_rows_keep_their_colours_and_nothing_is_asked(monkeypatch):
    python = grammar("python")
    buffer = TextBuffer("x = 1  # two\nreturn None\n", python.language)
    colours = RowColours(buffer, python, fenced=False)
    colours.follow()
    first, second = colours.spans(0), colours.spans(1)
    assert (7, 12, "comment") in first
    assert (0, 6, "keyword.return") in second
    monkeypatch.setattr(row_colours, "query_rows", lambda *call: pytest.fail("asked"))
    buffer.replace_range((0, 9), (0, 12), "three")
    assert (7, 14, "comment") in colours.spans(0)  # it goes on in what came in
    buffer.replace_range((0, 0), (0, 0), "\n字")
    assert [name for *_, name in colours.spans(0)] == []
    assert (8, 15, "comment") in colours.spans(1)
    assert colours.spans(2) == second
    buffer.replace_range((1, 15), (2, 7), "")
    assert [each for each in colours.spans(1) if each[2] == "keyword.return"] == []
    assert (15, 19, "constant.builtin") in colours.spans(1)
