"""Where the view is after `go_to`: the same place however late the editor learns its size."""

import pytest
from textual.app import App

from tui.widgets.editor import Editor

TEXT = "\n".join(f"line{number}" for number in range(1, 13))


async def top_after_going_to_line_9(moment: str) -> int:
    """Return the first visible row of an editor of nine rows that was told to go to line 9."""
    app = App[None]()
    async with app.run_test(size=(40, 9)) as pilot:
        editor = Editor(TEXT, path="a.txt")
        if moment == "before it is mounted":
            editor.go_to(9)
        mounted = app.screen.mount(editor)
        if moment != "before it is mounted":
            await mounted
        if moment == "before its layout":
            editor.go_to(9)
        while not editor.size:
            await pilot.pause()
        if moment == "after its layout":
            await pilot.pause()
            editor.go_to(9)
        await pilot.pause(0.05)
        return editor.scroll_offset.y


@pytest.mark.parametrize(
    "moment", ["before it is mounted", "before its layout", "after its layout"]
)
async def test_the_line_is_in_mid_view_whenever_the_size_comes(moment: str) -> None:
    assert await top_after_going_to_line_9(moment) == 5


async def test_a_smaller_terminal_keeps_the_line_in_mid_view(editing):
    text = "\n".join(f"line{number}" for number in range(100))
    async with editing(text, path="a.txt", size=(40, 30)) as bench:
        bench.editor.go_to(50)
        await bench.settle()
        assert bench.rows()[12] == "line49"
        await bench.pilot.resize_terminal(40, 13)
        await bench.settle()
        assert "line49" in bench.rows()[4:6]


async def test_a_view_that_was_scrolled_stays_where_it_is(editing):
    text = "\n".join(f"line{number}" for number in range(100))
    async with editing(text, path="a.txt", size=(40, 30)) as bench:
        bench.editor.go_to(50)
        await bench.settle()
        bench.editor.scroll_relative(y=-30, animate=False)
        await bench.settle()
        top = bench.rows()[0]
        await bench.pilot.resize_terminal(40, 13)
        await bench.settle()
        assert bench.rows()[0] == top
