"""Large texts stay usable: colours by the window, no work by the size of the file."""

import ast
import time
from pathlib import Path

import pytest
from textual.widgets import TextArea
from textual.widgets.text_area import TextAreaTheme

from tests.tui.app.fakes import until
from tui.code import row_colours
from tui.code.highlights import query_rows
from tui.code.text_buffer import TextBuffer
from tui.widgets import code_text

SOURCE = Path(ast.__file__).read_text(encoding="utf-8")


def _long(lines: int) -> str:
    copies = SOURCE.split("\n") * (lines // 1_000)
    return "\n".join(copies[:lines])


async def test_colours_equal_those_of_the_stock_editor(editing):
    """Of a real file, wherever it is scrolled to.

    The stock editor lays the captures of one node over each other in the order in which their
    names first appear in the file; lines where that decides are left out here.
    """
    theme = TextAreaTheme.get_builtin_theme("css")
    stock = TextArea.code_editor(SOURCE, language="python", theme="css")
    async with editing(SOURCE, size=(120, 40)) as bench:
        different = rows = 0
        for top in (0, 300, 700, 1100, 1500):
            bench.editor.scroll_to(0, top, animate=False, force=True)
            await bench.settle()
            for row in range(top, top + 40):
                text = SOURCE.split("\n")[row]
                wanted = _painted(stock._highlights[row], text, theme)
                shown = _painted(bench.editor._spans(row), text, theme)
                different += wanted != shown
                rows += 1
        assert rows == 200
        assert different <= 2


def _painted(spans, text: str, theme: TextAreaTheme) -> list[str]:
    cells = [""] * len(text)
    for start, end, name in spans:
        style = theme.syntax_styles.get(name)
        if style is not None and text.isascii():
            cells[start : len(text) if end is None else end] = [str(style)] * (
                (len(text) if end is None else end) - start
            )
    return cells


async def test_only_rows_in_view_are_asked_for_their_colours_and_after_a_key_few(
    editing, monkeypatch
):
    async with editing(_long(8_000), size=(80, 30)) as bench:
        bench.editor._colours.forget()
        bench.editor.go_to(4_000)
        await bench.settle()
        bench.raw_rows()
        known = bench.editor._colours.known
        assert 30 <= len(known) <= 128
        assert all(abs(row - 4_000) < 100 for row in known)
        asked = []
        query = row_colours.query_rows
        monkeypatch.setattr(
            row_colours, "query_rows", lambda *call: asked.append(call[2:]) or query(*call)
        )
        await bench.keys("x")
        bench.raw_rows()
        assert sum(bottom - top for top, bottom in asked) < 20


async def test_an_edit_costs_the_same_in_a_long_text(editing):
    async def median_ms(lines: int) -> float:
        async with editing(_long(lines), size=(80, 30)) as bench:
            bench.editor.move_cursor((lines // 2, 0))
            times = []
            for _ in range(9):
                start = time.perf_counter()
                bench.editor.insert("x")
                bench.raw_rows()
                times.append((time.perf_counter() - start) * 1e3)
            return sorted(times)[4]

    # The stock editor takes some 300 ms for it; ours some 10, so that a loaded machine passes.
    assert await median_ms(8_000) < 120


async def test_what_takes_long_to_parse_waits_for_a_rest(editing, monkeypatch):
    async with editing(_long(3_000)) as bench:
        monkeypatch.setattr(code_text, "_PARSE_SECONDS", -1.0)
        monkeypatch.setattr(code_text, "_PARSE_REST_SECONDS", 0.01)
        bench.editor.move_cursor((1_000, 0))
        bench.editor.insert('"""')
        assert not bench.editor.document._parsed
        bench.raw_rows()  # drawn from the old tree
        await until(bench.pilot, lambda: bench.editor.document._parsed)
        tree = bench.editor.document._tree
        fresh = TextBuffer(bench.editor.text, bench.editor._grammar.language)
        assert str(tree.root_node) == str(fresh._tree.root_node)
        colours = query_rows(fresh, bench.editor._grammar, 992, 1_024)
        shown = {row: bench.editor._spans(row) for row in range(992, 1_024)}
        assert {row: spans for row, spans in shown.items() if spans} == colours


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("x\n" * 20_001, "more than 20,000 lines"),
        ("#" + "x" * 10_001, "a line of more than 10,000"),
        (("x" * 199 + "\n") * 10_001, "more than 2,000,000 characters"),
    ],
    ids=["lines", "one line", "characters"],
)
async def test_colours_are_off_for_large_texts_and_that_is_said(editing, text, note):
    async with editing(text) as bench:
        assert note in bench.editor.highlight_note
        assert not bench.editor.is_syntax_aware
    async with editing("x = 1\n") as bench:
        assert bench.editor.highlight_note is None
        assert bench.editor.is_syntax_aware


async def test_fifty_thousand_lines_stay_usable(editing):
    async with editing("word = 1  # 字\n" * 50_000) as bench:
        start = time.perf_counter()
        await bench.keys("ctrl+right", *"abc", "enter", "pagedown", "up")
        bench.editor.move_cursor(bench.editor.document.end)
        await bench.keys("z", "backspace", "ctrl+z")
        bench.raw_rows()
        assert time.perf_counter() - start < 2.0
        assert bench.editor.document[0] == "wordabc"


async def test_a_line_of_a_hundred_thousand_characters_does_not_hang(editing):
    for line in ("x = 1 + " * 12_500, "字\t" * 50_000):
        async with editing(f"{line}\nnext\n") as bench:
            start = time.perf_counter()
            await bench.keys("end", "a", "left", "b", "home", "c", "down", "up", "enter")
            bench.editor.ghost = "ghost"
            bench.raw_rows()
            assert time.perf_counter() - start < 4.0
            assert bench.editor.document.lines == ["c", f"{line.lstrip(chr(9))}ba", "next", ""]


async def test_every_language_of_the_extra_has_colours(editing):
    samples = {
        "a.py": "x = 1",
        "a.md": "# head",
        "a.json": '{"a": 1}',
        "a.toml": "a = 1",
        "a.yaml": "a: 1",
        "a.html": "<p>x</p>",
        "a.css": "a { color: red; }",
        "a.js": "let x = 1;",
        "a.rs": "fn main() {}",
        "a.go": "package main",
        "a.sql": "SELECT 1;",
        "A.java": "class A {}",
        "a.sh": "echo hi",
        "a.xml": "<a>x</a>",
    }
    async with editing("") as bench:
        for path, text in samples.items():
            bench.editor.load(text, path=path)
            assert bench.editor.highlight_note is None, path
            assert bench.editor._spans(0), path


async def test_a_key_on_the_longest_line_calls_for_no_layout(editing):
    async with editing("x" * 200 + "\n", size=(80, 10)) as bench:
        bench.editor.go_to(1, 201)
        await bench.settle()
        sizes = set()
        for _ in range(12):
            await bench.keys("y")
            sizes.add(bench.editor.virtual_size)
        assert len(sizes) <= 2
        assert bench.editor.virtual_size.width >= 212 + bench.editor.gutter_width + 1
