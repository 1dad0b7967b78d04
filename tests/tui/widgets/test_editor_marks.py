"""Marks in the text and in the margin: drawn over the code, moved along by edits."""

from tui.code.line_marks import MarkLayer, Sign


async def test_a_mark_is_drawn_over_its_columns_and_keeps_the_text(editing):
    async with editing("abc def\nabc\n", path="a.txt") as bench:
        plain = bench.style(0, 1)
        bench.editor.show_marks("find", MarkLayer({1: [(1, 2, "match")]}))
        assert bench.rows()[:2] == ["abc def", "abc"]
        assert bench.style(1, 1).bgcolor not in (plain.bgcolor, None)
        assert bench.style(0, 1) == bench.style(2, 1) == plain
        bench.editor.show_marks("find", MarkLayer())
        assert bench.style(1, 1) == plain


async def test_signs_stand_beside_the_number(editing):
    async with editing("a\nb\nc\n", path="a.txt") as bench:
        before = bench.raw_rows()[:3]
        signs = {0: Sign(0, "●", "error"), 1: Sign(1, "▎", "added")}
        bench.editor.show_marks("problems", MarkLayer(signs=signs))
        assert [row.rstrip() for row in bench.raw_rows()[:3]] == ["1● a", "2 ▎b", "3  c"]
        bench.editor.show_marks("problems", MarkLayer())
        assert bench.raw_rows()[:3] == before


async def test_marks_stay_on_their_lines(editing):
    async with editing("a\nb\nc\n", path="a.txt") as bench:
        bench.editor.show_marks("problems", MarkLayer(signs={1: Sign(0, "●", "error")}))
        await bench.keys("enter")
        assert [row[1] for row in bench.raw_rows()[:4]] == [" ", " ", "●", " "]
        await bench.keys("backspace")
        assert [row[1] for row in bench.raw_rows()[:3]] == [" ", "●", " "]
