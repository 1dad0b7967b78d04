"""Files found by name where there are too many to show, and names that are hard to compare."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from textual.command import CommandPalette
from textual.pilot import Pilot
from textual.widgets import OptionList

from engine.protocol.completion import RepositoryStats
from engine.protocol.messages import Completed
from engine.repository.listing import Listing, list_files
from tests.tui.app.fakes import FakeClient, until
from tests.tui.app.file_looks import GREETING, NO_PANES, SIZE, MakeApp, notices
from tui import command_palette
from tui.demo_engine import demo_completion


async def lines(pilot: Pilot[Any], wanted: int) -> list[str]:
    """Return what the palette lists, once that is as much as wanted."""
    options = pilot.app.screen.query_one(OptionList)
    await until(pilot, lambda: options.option_count == wanted)
    prompts = (options.get_option_at_index(i).prompt for i in range(wanted))
    return [str(prompt).partition("\n")[0] for prompt in prompts]


async def test_what_the_palette_leaves_out_stands_in_it(
    make_app: MakeApp, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        (repository / "package" / f"data{number}.json").touch()
    near = "package/" + "a" * 180 + "xb.py"
    (repository / near).touch()

    def few(*arguments: Any, **options: Any) -> Listing:
        return list_files(*arguments, **options, limit=6)

    monkeypatch.setattr(command_palette, "list_files", few)
    monkeypatch.setattr(command_palette, "_DISCOVERED_FILES", 3)
    monkeypatch.setattr(command_palette, "_FOUND_FILES", 1)
    app = make_app(GREETING, settings=NO_PANES)
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor)
        await pilot.press("ctrl+o")
        await until(pilot, lambda: isinstance(app.screen, CommandPalette))
        unlisted = "… the 20 files farthest away are not listed: there are too many"
        assert await lines(pilot, 5) == [
            near,
            "package/greeting.py",
            "package/data0.json",
            "… 3 files more: type a part of the name",
            unlisted,
        ]
        await pilot.press(*"pkgpy")
        assert await lines(pilot, 3) == [
            "package/greeting.py", "… 2 matches more: type more of the name", unlisted
        ]  # fmt: skip
        await pilot.press("ctrl+u", *"aaaaaaab")
        assert (await lines(pilot, 2))[0] == near  # the toolkit would try all ways, for years
        await pilot.press("down", "enter")  # a remark does nothing
        await until(pilot, lambda: not isinstance(app.screen, CommandPalette))


async def test_what_suggestions_do_not_learn_from_is_said_once(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(settings=NO_PANES)
    few = replace(demo_completion("x"), repository=RepositoryStats(9, 99, 0.0, 0.0))
    many = replace(demo_completion("x"), repository=RepositoryStats(9, 99, 0.0, 0.0, 12_345))
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        for completion in (few, many, many):
            client.on_event(Completed(1, completion))
        await until(pilot, lambda: notices(app))
        assert notices(app) == (
            "suggestions learn from the nearest files; "
            "12 345 files farther away are not read: there are too many"
        )


def test_a_walk_that_stopped_says_so() -> None:
    assert "not all folders" in command_palette._unlisted(Listing(["a"], whole=False))
    assert command_palette._unlisted(Listing(["a"])) == ""
