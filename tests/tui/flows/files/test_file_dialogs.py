"""The words of the questions about files, and which answers each of them has."""

from pathlib import Path
from typing import Any

import pytest

from tui.flows.files.file_dialogs import FileDialogs
from tui.screens.line_input import LineInputScreen
from tui.screens.question import QuestionScreen

ROOT = Path("/demo")


class PaperApp:
    """Answers every screen with what a test says, and keeps the screens."""

    def __init__(self, answer: str | None) -> None:
        self.answer = answer
        self.screens: list[Any] = []

    async def push_screen_wait(self, screen: Any) -> str | None:
        self.screens.append(screen)
        return self.answer


def asking(answer: str | None = "cancel") -> tuple[FileDialogs, list[Any]]:
    app = PaperApp(answer)
    return FileDialogs(app, ROOT), app.screens  # type: ignore[arg-type]


def look(screen: QuestionScreen) -> tuple[str, list[str], str]:
    """What is said, what can be chosen, and what Escape means."""
    return screen._text, [choice.value for choice in screen._choices], screen._escape


async def test_many_unsaved_files_are_named_and_the_others_counted() -> None:
    dialogs, screens = asking("save")
    paths = [ROOT / f"{number}.py" for number in range(11)]

    assert await dialogs.about_unsaved(paths) == "save"
    text, choices, escape = look(screens[0])
    assert text.splitlines() == [*(f"● {number}.py" for number in range(8)), "… and 3 more"]
    assert (choices, escape) == (["save", "discard", "cancel"], "cancel")
    await dialogs.about_unsaved(paths[:8])
    assert "more" not in look(screens[1])[0]


@pytest.mark.parametrize(
    ("what", "choices"),
    [("changed", ["mine", "theirs", "cancel"]), ("deleted", ["mine", "cancel"])],
)
async def test_what_is_gone_cannot_be_loaded(what: str, choices: list[str]) -> None:
    dialogs, screens = asking()
    await dialogs.about_saving_over(ROOT / "a.py", what)

    text, offered, escape = look(screens[0])
    assert f"a.py was {what} by another program" in text
    assert (offered, escape) == (choices, "cancel")


async def test_escape_never_loses_text() -> None:
    """Neither of the two: theirs is on the disk, ours is in the editor, what was left is kept."""
    dialogs, screens = asking()
    await dialogs.about_changed_file(ROOT / "a.py")
    await dialogs.about_left_text(ROOT / "a.py")
    await dialogs.may_overwrite(ROOT / "a.py")

    assert [look(screen)[2] for screen in screens] == ["mine", "later", "cancel"]


@pytest.mark.parametrize(("answer", "may"), [("replace", True), ("cancel", False)])
async def test_only_a_yes_replaces_a_file(answer: str, may: bool) -> None:
    dialogs, _ = asking(answer)
    assert await dialogs.may_overwrite(ROOT / "a.py") is may


@pytest.mark.parametrize(
    ("typed", "place"),
    [("7", (7, 1)), ("7:3", (7, 3)), (" 7 : 3 ", (7, 3)), ("7:", (7, 1)), (None, None)],
)
async def test_a_place_is_a_line_and_perhaps_a_column(
    typed: str | None, place: tuple[int, int] | None
) -> None:
    dialogs, screens = asking(typed)

    assert await dialogs.line_and_column(12) == place
    assert screens[0]._title == "go to line (1–12)"


def complaint(screen: LineInputScreen, text: str) -> str:
    return screen._check(text)


async def test_which_places_will_do() -> None:
    dialogs, screens = asking(None)
    await dialogs.line_and_column(12)

    for right in ("1", "999", "3:4", "3:"):
        assert complaint(screens[0], right) == ""
    for wrong in ("", ":", ":3", "x", "3:x", "-1", "1.5", "²"):
        assert complaint(screens[0], wrong) == "a line number, or line:column"


async def test_a_typed_path_begins_at_the_repository(tmp_path: Path) -> None:
    for typed, path in (
        ("new.py", ROOT / "new.py"),
        (" x/y ", ROOT / "x" / "y"),
        ("/a", Path("/a")),
    ):
        dialogs, _ = asking(typed)
        assert await dialogs.new_path(None) == path


@pytest.mark.parametrize(
    ("folder", "start"), [(None, ""), (ROOT, ""), (ROOT / "src", "src/")], ids=str
)
async def test_a_new_file_begins_in_the_folder_that_was_pointed_at(
    folder: Path | None, start: str
) -> None:
    dialogs, screens = asking(None)
    assert await dialogs.new_path(folder) is None
    assert screens[0]._value == start


async def test_a_name_that_nobody_could_type_is_kept_as_it_is() -> None:
    folder = ROOT / "a\x1b]0;b\udcff"
    for ask, typed, meant in (
        ("other_path", "a␛]0;b�/c␇.py", folder / "c\x07.py"),
        ("other_path", "a␛]0;b�/d.py", folder / "d.py"),
        ("other_path", "d.py", ROOT / "d.py"),
        ("new_path", "a␛]0;b�//e.py", folder / "e.py"),
    ):
        dialogs, screens = asking(typed)
        start = folder if ask == "new_path" else folder / "c\x07.py"
        assert await getattr(dialogs, ask)(start) == meant
        assert screens[0]._value.startswith("a␛]0;b�/")


async def test_a_path_with_a_nul_is_refused_in_words() -> None:
    """The system would raise a ValueError."""
    dialogs, screens = asking(None)
    await dialogs.other_path(ROOT / "a.py")

    assert complaint(screens[0], "a\0b") == "a path has no NUL character"
