"""Find and replace in the visible file, by keyboard alone."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input, Static

from tests.tui.app.fakes import until
from tests.tui.app.file_looks import NO_PANES, MakeApp
from tui.app import SparkApp
from tui.widgets.editor import Editor

TEXT = "one two\nthree one\nOne\nphone\n"
SIZE = (80, 20)


class Finding:
    """An app with a file open, and a person who finds things in it."""

    def __init__(self, app: SparkApp, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def editor(self) -> Editor:
        assert self.app.editor is not None
        return self.app.editor

    @property
    def selected(self) -> tuple[tuple[int, int], tuple[int, int]]:
        return tuple(self.editor.selection)

    @property
    def is_open(self) -> bool:
        return self.app.finder.is_open

    def said(self, part: str) -> str:
        return str(self.app.query_one(f".find-{part}", Static).render())

    async def keys(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def rests(self) -> None:
        """Wait until the bar has done what it was asked for."""

        def busy() -> bool:
            return any(
                worker.group in ("find", "find-bar") and not worker.is_finished
                for worker in self.app.workers
            )

        await until(self.pilot, lambda: not busy())

    async def find(self, text: str, count: str) -> None:
        """Type a query into the open bar and wait for its count."""
        await self.keys("ctrl+f", *text)
        await self.counts(count)

    async def counts(self, count: str) -> None:
        await until(self.pilot, lambda: self.said("count") == count)


Opened = Callable[..., AbstractAsyncContextManager[Finding]]


@pytest.fixture
def finding(make_app: MakeApp, repository: Path) -> Opened:
    @asynccontextmanager
    async def opened(text: str = TEXT) -> AsyncIterator[Finding]:
        (repository / "words.txt").write_text(text)
        app = make_app("words.txt", settings=NO_PANES)
        async with app.run_test(size=SIZE) as pilot:
            await until(pilot, lambda: app.editor is not None and app.editor.has_focus)
            yield Finding(app, pilot)

    return opened


async def test_what_is_typed_is_found_counted_and_marked(finding: Opened) -> None:
    async with finding() as person:
        await person.find("one", "1/4")
        assert person.selected == ((0, 0), (0, 3))
        assert person.editor._marks.spans(3) == ((2, 5, "match"),)
        assert person.editor._marks.spans(0) == ((0, 3, "match"), (0, 3, "match-here"))
        await person.keys("x")
        await person.counts("no match")
        assert person.editor._marks.spans(0) == ()
        assert person.editor.text == TEXT


@pytest.mark.parametrize(
    ("keys", "there"),
    [
        (["enter"], (1, 6)),
        (["down", "down"], (2, 0)),
        (["enter", "shift+enter"], (0, 0)),
        (["up"], (3, 2)),
        (["enter"] * 4, (0, 0)),
    ],
)
async def test_enter_and_arrows_go_on_and_back_and_round(
    finding: Opened, keys: list[str], there: tuple[int, int]
) -> None:
    async with finding() as person:
        await person.find("one", "1/4")
        for key in keys:
            await person.keys(key)
            await person.rests()
        assert person.selected[0] == there


async def test_escape_leads_back_until_enter_went_on(finding: Opened) -> None:
    async with finding() as person:
        person.editor.move_cursor((1, 2))
        await person.find("phone", "1/1")
        assert person.selected[0] == (3, 0)
        await person.keys("escape")
        assert person.selected == ((1, 2), (1, 2))
        assert not person.is_open
        assert person.editor.has_focus
        assert person.editor._marks.spans(3) == ()
        await person.keys("ctrl+f")
        await person.counts("1/1")
        await person.keys("enter")
        await until(person.pilot, lambda: person.selected[0] == (3, 0))
        await person.keys("escape")
        assert person.selected[0] == (3, 0)


async def test_the_selection_is_what_is_looked_for(finding: Opened) -> None:
    async with finding() as person:
        person.editor.move_cursor((0, 4))
        await person.keys("shift+right", "shift+right", "shift+right", "ctrl+f")
        await person.counts("1/1")
        assert person.app.query_one("#find-text", Input).value == "two"


@pytest.mark.parametrize(
    ("key", "query", "count"),
    [("alt+c", "one", "1/3"), ("alt+w", "one", "1/3"), ("alt+r", "o.e", "1/4")],
)
async def test_ways_to_find_are_switched_by_keys(
    finding: Opened, key: str, query: str, count: str
) -> None:
    async with finding() as person:
        await person.keys("ctrl+f", *query)
        await person.keys(key)
        await person.counts(count)
        assert person.app.query_one("#find-text", Input).value == query


async def test_a_click_switches_too(finding: Opened) -> None:
    async with finding() as person:
        await person.find("one", "1/4")
        await person.pilot.click("#find-whole_word")
        await person.counts("1/3")


async def test_a_wrong_expression_is_told_below(finding: Opened) -> None:
    async with finding() as person:
        await person.keys("ctrl+f", "(", "alt+r")
        await until(person.pilot, lambda: "no regular expression" in person.said("note"))
        await person.keys("backspace")
        await until(person.pilot, lambda: person.said("note") == "")


async def test_matches_are_found_without_the_bar(finding: Opened) -> None:
    async with finding() as person:
        await person.keys("alt+g")
        await until(person.pilot, lambda: person.is_open)  # there is nothing to look for yet
        await person.keys(*"one")
        await person.counts("1/4")
        await person.keys("escape", "alt+g")
        await until(person.pilot, lambda: person.selected[0] == (0, 0))
        await person.keys("alt+g")
        await until(person.pilot, lambda: person.selected[0] == (1, 6))
        await person.keys("alt+t")
        await until(person.pilot, lambda: person.selected[0] == (0, 0))
        assert not person.is_open
        assert person.editor._marks.spans(0) == ()


async def test_earlier_queries_come_back(finding: Opened) -> None:
    async with finding() as person:
        await person.find("one", "1/4")
        await person.keys("enter")
        await person.find("two", "1/1")
        await person.keys("enter", "alt+up")
        await person.counts("2/4")
        await person.keys("alt+down")
        await person.counts("1/1")


async def test_one_match_is_replaced_and_the_next_is_shown(finding: Opened) -> None:
    async with finding() as person:
        await person.find("one", "1/4")
        await person.keys("ctrl+r", *"1x")
        await until(person.pilot, lambda: person.said("note") == "one two → 1x two")
        await person.keys("enter")
        await until(person.pilot, lambda: person.editor.text.startswith("1x two\n"))
        await person.counts("1/3")
        assert person.selected == ((1, 6), (1, 9))
        await person.keys("escape", "ctrl+z")
        assert person.editor.text == TEXT


async def test_all_are_replaced_and_one_undo_takes_it_back(finding: Opened) -> None:
    async with finding() as person:
        await person.find("(o)ne", "no match")
        await person.keys("alt+r")
        await person.counts("1/4")
        await person.keys("ctrl+r", *"$1-", "alt+a")
        await until(person.pilot, lambda: person.said("note").startswith("4 replaced"))
        assert person.editor.text == "o- two\nthree o-\nO-\npho-\n"
        await person.keys("escape", "ctrl+z")
        assert person.editor.text == TEXT


async def test_a_replacement_is_taken_back_without_leaving_the_bar(finding: Opened) -> None:
    async with finding() as person:
        await person.find("one", "1/4")
        await person.keys("ctrl+r", *"1x", "enter")
        await until(person.pilot, lambda: person.editor.text.startswith("1x two\n"))
        await person.keys("ctrl+z")
        assert person.editor.text == TEXT
        await until(person.pilot, lambda: person.said("count").endswith("/4"))
        await person.keys("y")
        assert person.editor.text == TEXT  # the keyboard is still in the bar


async def test_a_wrong_group_changes_nothing(finding: Opened) -> None:
    async with finding() as person:
        await person.keys("ctrl+r", "alt+r", *"one", "tab", *"$7", "alt+a")
        await until(person.pilot, lambda: "there is no group $7" in person.said("note"))
        await person.keys("enter")
        await person.rests()
        assert person.editor.text == TEXT


async def test_a_read_only_file_is_left_alone(finding: Opened) -> None:
    async with finding() as person:
        person.editor.read_only = True
        await person.keys("ctrl+r", *"one", "alt+a")
        await until(person.pilot, lambda: "read only" in person.said("note"))
        assert person.editor.text == TEXT


async def test_the_marks_follow_an_edit(finding: Opened) -> None:
    async with finding() as person:
        await person.find("one", "1/4")
        person.editor.insert("one\n", (4, 0))
        await person.counts("1/5")
        assert person.editor._marks.spans(4) == ((0, 3, "match"),)


async def test_the_bar_follows_to_another_file(finding: Opened, repository: Path) -> None:
    async with finding() as person:
        await person.find("one", "1/4")
        (repository / "other.txt").write_text("none\none\n")
        first = person.editor
        person.app.open_path(repository / "other.txt")
        await person.counts("1/2")
        assert first._marks.spans(0) == ()
        assert person.selected == ((0, 1), (0, 4))


async def test_without_a_file_there_is_no_bar(make_app: MakeApp) -> None:
    app = make_app(settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.press("ctrl+f", "ctrl+r", "alt+g")
        await pilot.pause(0.05)
        assert not app.finder.is_open


async def test_the_palette_opens_the_bar_too(finding: Opened) -> None:
    async with finding() as person:
        await person.keys("ctrl+p", *"replace")
        await person.pilot.pause(0.5)
        await person.keys("enter")
        await until(person.pilot, lambda: "finder" in vars(person.app) and person.is_open)
        assert person.app.query_one("#replace-line").display
