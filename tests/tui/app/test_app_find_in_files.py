"""Find and replace in the repository, by keyboard alone; there and back again."""

from pathlib import Path

import pytest

from tests.tui.app.fakes import until
from tests.tui.app.file_looks import GREETING, notices, write_elsewhere
from tests.tui.app.searcher import Searching, replaced


async def test_matches_are_listed_by_file_and_enter_opens_one(searching: Searching) -> None:
    async with searching() as person:
        await person.find("greet(", 3)
        assert person.rows() == [
            "package/greeting.py  2",
            "     4  def greet(name: str) -> str:",
            "    11  print(greet(name))",
            "other.py  1",
            "     3  greet('x')",
        ]
        await person.keys("down", "right", "down", "enter")
        await person.is_at("other.py", 3, 7)
        assert person.app.editor is not None
        assert person.app.editor.selected_text == "greet("


async def test_enter_in_the_query_opens_the_first_match(searching: Searching) -> None:
    async with searching() as person:
        await person.find("Grace", 1)
        await person.keys("enter")
        await person.is_at(GREETING, 10, 31)


async def test_enter_before_anything_was_found_opens_the_first_match_of_this_query(
    searching: Searching,
) -> None:
    async with searching() as person:
        await person.find("greet(", 3)
        await person.keys("f9", *"Grace", "enter")
        await person.is_at(GREETING, 10, 31)


async def test_what_to_find_is_asked_first_also_after_a_replacement(searching: Searching) -> None:
    async with searching() as person:
        await replaced(person)
        assert "☑" in person.rows()[0]
        await person.keys("escape", "f9")
        await person.finds(0)
        assert person.rows() == []
        await person.keys(*"Grace")
        await person.finds(1)
        assert person.screen.bar.replacement == "hail"


async def test_escape_keeps_what_was_found_for_the_next_time(searching: Searching) -> None:
    async with searching() as person:
        await person.find("greet(", 3)
        await person.keys("escape")
        assert len(person.app.screen_stack) == 1
        await person.keys("f9")
        assert len(person.rows()) == 5


async def test_ignored_and_private_files_are_not_searched(searching: Searching) -> None:
    async with searching() as person:
        await person.find("TOKEN", 0)
        assert "left out" in person.said()
        await person.keys("f9", *"ignored", "enter")
        await person.finds(0)


async def test_switches_work_here_too_and_a_wrong_expression_is_told(searching: Searching) -> None:
    async with searching() as person:
        await person.find("(", 6)
        await person.keys("alt+r")
        await until(person.pilot, lambda: "no regular expression" in person.said())
        assert person.rows() == []


async def test_replacing_in_many_files_with_ticks(searching: Searching, repository: Path) -> None:
    async with searching() as person:
        await replaced(person, "down", "space")  # not the call in greeting.py
        assert person.said() == (
            "3 replaced in 2 files; 1 open here and not saved yet; Ctrl+Z takes it back"
        )
        other = "from package.greeting import hail\n\nhail('x')\n"
        assert (repository / "other.py").read_text() == other
        assert person.app.editor is not None
        text = person.app.editor.text
        assert "def hail(" in text
        assert "print(greet(name))" in text
        await person.keys("alt+a")  # what was replaced is no longer there: nothing happens
        assert person.app.editor.text == text
        await person.keys("escape", "ctrl+z")
        assert "def greet(" in person.app.editor.text


async def test_a_file_that_changed_meanwhile_is_left_alone(
    searching: Searching, repository: Path
) -> None:
    async with searching() as person:
        await person.find("greet", 6)
        write_elsewhere(repository / "other.py", "greet = 1\n")
        assert person.app.editor is not None
        person.app.editor.insert("#", (0, 0))
        await person.keys("ctrl+r", *"hail", "alt+a")
        await until(person.pilot, lambda: "replaced in" in person.said())
        assert person.said().startswith("0 replaced in 0 files; left alone: ")
        assert "other.py changed meanwhile" in person.said()
        assert "greeting.py changed meanwhile" in person.said()
        assert (repository / "other.py").read_text() == "greet = 1\n"


async def test_there_and_back_again(searching: Searching) -> None:
    async with searching() as person:
        await person.keys("alt+left")
        await until(person.pilot, lambda: "where you began" in notices(person.app))
        await person.find("x')", 1)
        await person.keys("enter")
        await person.is_at("other.py", 3, 11)
        await person.keys("alt+left")
        await person.is_at(GREETING, 1, 1)
        await person.keys("alt+right")
        await person.is_at("other.py", 3, 11)
        await person.keys("alt+right")
        await until(person.pilot, lambda: "newest place" in notices(person.app))


@pytest.mark.parametrize(
    ("key", "row"), [("up", 0), ("pagedown", 4), ("end", 4), ("home", 0), ("left", 0)]
)
async def test_keys_of_the_list(searching: Searching, key: str, row: int) -> None:
    async with searching() as person:
        await person.find("greet(", 3)
        await person.keys("down", "up", key)
        assert person.screen.rows.cursor == row
