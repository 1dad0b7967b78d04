"""A replacement in many files is taken back in all of them, open or closed, one by one refused."""

from pathlib import Path

from tests.tui.app.fakes import until
from tests.tui.app.file_looks import GREETING, notices, open_text, write_elsewhere
from tests.tui.app.searcher import Searcher, Searching, replaced

OTHER = "from package.greeting import greet\n\ngreet('x')\n"


async def said(person: Searcher, part: str) -> str:
    await until(person.pilot, lambda: part in person.said())
    return person.said()


async def test_one_key_takes_it_back_in_open_and_closed_files(
    searching: Searching, repository: Path
) -> None:
    async with searching() as person:
        before = open_text(person.app)
        await replaced(person)
        assert "import hail" in (repository / "other.py").read_text()
        await person.keys("ctrl+z")
        assert await said(person, "taken back") == "greet → hail: 4 taken back in 2 files"
        assert (repository / "other.py").read_text() == OTHER
        assert open_text(person.app) == before
        assert not person.app.deck.unsaved
        await person.keys("alt+a")  # the same again
        await said(person, "replaced in 2 files")
        assert "import hail" in (repository / "other.py").read_text()
        await person.keys("ctrl+z")
        await said(person, "taken back")
        await person.keys("ctrl+z")
        await said(person, "no replacement to take back")


async def test_it_follows_files_that_were_saved_closed_and_opened(
    searching: Searching, repository: Path
) -> None:
    """The open file is saved and closed; the closed one is opened."""
    async with searching() as person:
        before = open_text(person.app)
        await replaced(person)
        await person.keys("escape", "ctrl+s")
        await until(person.pilot, lambda: not person.app.deck.unsaved)
        await person.keys("ctrl+w")
        await until(person.pilot, lambda: person.app.editor is None)
        assert "def hail(" in (repository / GREETING).read_text()
        person.app.open_path(repository / "other.py")
        await until(person.pilot, lambda: person.app.editor is not None)
        await person.app.run_action("take_back_replacement")
        await until(person.pilot, lambda: "4 taken back in 2 files; 1 open" in notices(person.app))
        assert (repository / GREETING).read_text() == before
        assert open_text(person.app) == OTHER
        assert "hail" in (repository / "other.py").read_text()  # until it is saved
        await person.keys("ctrl+z")
        assert "import hail" in open_text(person.app)


async def test_a_file_that_changed_since_is_left_alone_and_tried_again(
    searching: Searching, repository: Path
) -> None:
    async with searching() as person:
        before = open_text(person.app)
        await replaced(person)
        hailed = (repository / "other.py").read_text()
        write_elsewhere(repository / "other.py", "# mine\n" + hailed)
        await person.keys("ctrl+z")
        words = await said(person, "taken back")
        assert words.endswith("in 1 file; left alone: other.py changed meanwhile")
        assert open_text(person.app) == before
        assert (repository / "other.py").read_text() == "# mine\n" + hailed
        write_elsewhere(repository / "other.py", hailed)
        await person.keys("ctrl+z")
        await said(person, "2 taken back in 1 file")
        assert (repository / "other.py").read_text() == OTHER


async def test_a_file_that_is_gone_is_not_made_again(
    searching: Searching, repository: Path
) -> None:
    async with searching() as person:
        await replaced(person)
        (repository / "other.py").unlink()
        await person.keys("ctrl+z")
        assert "left alone: other.py is gone" in await said(person, "taken back")
        assert not (repository / "other.py").exists()


async def test_what_was_undone_in_its_editor_is_no_obstacle(searching: Searching) -> None:
    async with searching() as person:
        await replaced(person)
        await person.keys("escape", "ctrl+z")
        before = open_text(person.app)
        assert "def greet(" in before
        await person.app.run_action("take_back_replacement")
        await until(person.pilot, lambda: "4 taken back in 2 files" in notices(person.app))
        assert open_text(person.app) == before


async def test_replacements_are_taken_back_in_turn_the_newest_first(
    searching: Searching, repository: Path
) -> None:
    async with searching() as person:
        await replaced(person)
        await person.keys("f9", *"hail")
        await person.finds(4)
        await person.keys("ctrl+r", *"call", "alt+a")
        await said(person, "replaced in 2 files")
        assert "call('x')" in (repository / "other.py").read_text()
        await person.keys("ctrl+z")
        await said(person, "hail → call: 4 taken back")
        assert "hail('x')" in (repository / "other.py").read_text()
        await person.keys("ctrl+z")
        await said(person, "greet → hail: 4 taken back")
        assert (repository / "other.py").read_text() == OTHER


async def test_bytes_of_a_file_come_back(searching: Searching, repository: Path) -> None:
    """A mark, mixed line endings, no last newline."""
    kept = b"\xef\xbb\xbfgreet = 1\r\n\ngreet, greet\r\xc3\xa9 greet"
    async with searching() as person:
        (repository / "odd.py").write_bytes(kept)
        await person.find("greet", 10)
        await person.keys("ctrl+r", *"hail", "alt+a")
        await said(person, "replaced in 3 files")
        assert (repository / "odd.py").read_bytes() == kept.replace(b"greet", b"hail")
        await person.keys("ctrl+z")
        await said(person, "taken back in 3 files")
        assert (repository / "odd.py").read_bytes() == kept


async def test_what_was_replaced_in_open_files_is_saved_at_once(
    searching: Searching, repository: Path
) -> None:
    async with searching() as person:
        person.app.open_path(repository / "other.py")
        await until(person.pilot, lambda: len(person.app.deck.tabs) == 2)
        await person.find("greet", 6)
        await person.keys("ctrl+r", *"hail", "alt+a")
        assert "2 open here" in await said(person, "replaced in")
        await person.keys("escape")
        await person.app.run_action("save_all")
        await until(person.pilot, lambda: "saved 2 files" in notices(person.app))
        assert not person.app.deck.unsaved
        assert "def hail(" in (repository / GREETING).read_text()
        assert "import hail" in (repository / "other.py").read_text()
        await person.app.run_action("save_all")
        await until(person.pilot, lambda: "nothing is unsaved" in notices(person.app))
