"""Tests that the editor paints the rows that changed, all of them, and few others."""

from collections.abc import Awaitable, Callable

import pytest
from textual.app import App
from textual.widgets import Button

from tests.tui.painted import Painted
from tests.tui.widgets.conftest import Bench, Harness, _key
from tui.code.line_marks import MarkLayer, Sign
from tui.widgets.editor import Editor
from tui.widgets.key_screen import KeyScreen

TEXT = "def f(x):\n    return (x)\n" * 10
ROWS = 8


class Watched:
    """An editor, what the terminal shows of it, and how many rows the last change painted."""

    def __init__(self, app: Harness, painted: Painted, bench: Bench) -> None:
        self.app, self.editor, self.painted, self.bench = app, app.editor, painted, bench

    async def rows_after(self, change: Callable[[], object]) -> set[int]:
        """Make a change; return the rows it painted, after a look at all of them."""
        await self.bench.settle()
        self.painted.paint()
        self.painted.rows_painted.clear()
        change()
        await self.bench.settle()
        self.painted.paint()
        assert self.painted.shown(self.editor) == self.painted.whole(self.editor)
        return set(self.painted.rows_painted)

    def press(self, key: str) -> None:
        driver = self.app._driver
        assert driver is not None
        driver.send_message(_key(key).set_sender(self.app))


async def _watch(test: Callable[[Watched], Awaitable[None]]) -> None:
    app = Harness(Editor(TEXT, path="a.py"))
    painted = Painted(app)
    async with app.run_test(size=(40, ROWS + 3)) as pilot:
        app.editor.cursor_blink = False
        app.editor.styles.height = ROWS
        app.editor.focus()
        await pilot.pause()
        await test(Watched(app, painted, Bench(app, pilot)))


@pytest.mark.parametrize(
    ("key", "rows"),
    [("z", {0}), ("right", {0}), ("down", {0, 1}), ("shift+down", {0, 1}), ("shift+end", {0})],
)
async def test_a_key_paints_the_rows_that_it_changes(key: str, rows: set[int]) -> None:
    async def test(watched: Watched) -> None:
        assert await watched.rows_after(lambda: watched.press(key)) <= rows

    await _watch(test)


async def test_a_ghost_of_one_line_paints_one_row() -> None:
    async def test(watched: Watched) -> None:
        watched.editor.move_cursor((1, 14))
        ghost = lambda: watched.editor.show_ghost(" + 1", 2)  # noqa: E731
        assert await watched.rows_after(ghost) == {1}
        assert await watched.rows_after(watched.editor.dismiss_ghost) == {1}

    await _watch(test)


async def test_the_sure_part_of_a_ghost_grows_although_its_first_line_stays() -> None:
    async def test(watched: Watched) -> None:
        watched.editor.move_cursor((1, 14))
        await watched.rows_after(lambda: watched.editor.show_ghost(" + 1\n", 2))
        rows = await watched.rows_after(lambda: watched.editor.show_ghost(" + 1\n    ab", 2))
        assert 1 in rows

    await _watch(test)


async def test_a_mark_paints_its_row() -> None:
    async def test(watched: Watched) -> None:
        marks = MarkLayer({3: [(4, 10, "error")]}, {3: Sign(0, "●", "error")})
        assert await watched.rows_after(lambda: watched.editor.show_marks("test", marks)) == {3}

    await _watch(test)


async def test_what_changes_the_look_of_all_rows_paints_all() -> None:
    async def test(watched: Watched) -> None:
        def theme(app: App[None], name: str) -> None:
            app.theme = name

        all_rows = set(range(ROWS))
        for change in (
            lambda: theme(watched.app, "textual-light"),
            lambda: setattr(watched.editor.styles, "background", "red"),
            lambda: setattr(watched.editor.styles, "opacity", 0.5),
            lambda: watched.editor.scroll_to(y=3, animate=False),
            lambda: setattr(watched.editor.styles, "width", 30),
        ):
            assert all_rows <= await watched.rows_after(change)

    await _watch(test)


async def test_a_dialog_above_leaves_the_rows_as_they_are() -> None:
    from textual.screen import ModalScreen

    async def test(watched: Watched) -> None:
        await watched.app.push_screen(ModalScreen())
        watched.editor.insert("z")
        await watched.bench.settle()
        watched.painted.paint()
        await watched.rows_after(watched.app.pop_screen)

    await _watch(test)


async def _watch_at_once(test: Callable[[Watched], Awaitable[None]]) -> None:
    """Run a test on a screen whose own timer never fires."""
    app = Harness(Editor(TEXT, path="a.py"))
    painted = Painted(app)
    async with app.run_test(size=(40, ROWS + 3)) as pilot:
        app.editor.cursor_blink = False
        app.editor.styles.height = ROWS
        app.editor.focus()
        await pilot.pause()
        watched = Watched(app, painted, Bench(app, pilot))
        await watched.bench.settle()
        painted.paint()
        app.screen._update_timer.stop()
        painted.rows_painted.clear()
        await test(watched)


@pytest.mark.parametrize("key", ["z", "right", "enter", "delete", "ctrl+end", "shift+down"])
async def test_a_key_is_painted_without_waiting_for_the_screens_timer(key: str) -> None:
    async def test(watched: Watched) -> None:
        for _ in range(2):
            watched.press(key)
            await watched.bench.settle()
            assert watched.painted.rows_painted
            assert watched.painted.shown(watched.editor) == watched.painted.whole(watched.editor)

    await _watch_at_once(test)


async def test_a_key_leaves_what_else_waits_to_the_screens_timer() -> None:
    async def test(watched: Watched) -> None:
        button, screen = watched.app.query_one(Button), watched.app.screen
        button.refresh()
        await watched.bench.settle()
        watched.press("z")
        await watched.bench.settle()
        assert watched.painted.rows_painted == {0}
        assert button in screen._dirty_widgets
        watched.painted.paint()
        assert watched.painted.rows_painted >= set(range(ROWS, ROWS + 3))

    await _watch_at_once(test)


async def test_between_a_key_and_its_paint_all_others_wait_once() -> None:
    async def test(watched: Watched) -> None:
        screen = watched.app.screen
        assert isinstance(screen, KeyScreen)
        watched.app.query_one(Button).refresh()
        await watched.bench.settle()
        screen.key_came()
        watched.painted.paint()
        assert not watched.painted.rows_painted
        watched.painted.paint()
        assert watched.painted.rows_painted

    await _watch_at_once(test)


async def test_what_no_key_changed_is_painted_with_the_rest() -> None:
    async def test(watched: Watched) -> None:
        watched.editor.show_ghost("a = 1")
        await watched.bench.settle()
        assert not watched.painted.rows_painted

    await _watch_at_once(test)
