"""What is shown at the cursor while keys and answers cross."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from textual.document._document import Selection

from engine.protocol.messages import Complete, Failed, PartialText
from tui.app_messages import SuggestionReport
from tui.demo_engine import demo_ready
from tui.flows.suggestions.ghost_writer import GhostWriter
from tui.settings import Settings, SuggestionSettings
from tui.widgets.editor import Editor

ROOT = Path("/demo")


@dataclass
class PaperEditor:
    """As much of an editor as the writer sees."""

    before: str
    ghost: str = ""
    language_name: str = "python"
    read_only: bool = False
    many_cursors: bool = False
    selection: Selection = field(default_factory=Selection)
    modified: bool = False
    row: int = 0

    @property
    def document(self) -> Any:
        return SimpleNamespace(lines=self.before.split("\n"))

    @property
    def cursor_location(self) -> tuple[int, int]:
        return self.row, 0

    def show_ghost(self, text: str, unsure: int = 0) -> None:
        self.ghost = text

    def cursor_offset_text(self) -> tuple[str, str]:
        return self.before, "\n"


class PaperTimer:
    def stop(self) -> None:
        """Never fire; it does not anyway."""


class PaperLink:
    connected = True

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: Any) -> bool:
        self.sent.append(message)
        return True


@pytest.fixture
def link() -> PaperLink:
    return PaperLink()


def writer_of(
    link: PaperLink, report: Callable[[SuggestionReport], None] = lambda report: None
) -> GhostWriter:
    """A writer that has not started."""
    return GhostWriter(
        link,  # type: ignore[arg-type]
        Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False)),
        root=ROOT,
        set_timer=lambda seconds, callback: PaperTimer(),
        report=report,
    )


@pytest.fixture
def writer(link: PaperLink) -> GhostWriter:
    writer = writer_of(link)
    writer.start()
    writer.on_engine(demo_ready())
    return writer


def typed(editor: PaperEditor) -> Editor.Edited:
    return Editor.Edited(editor, "typed")  # type: ignore[arg-type]


def test_an_answer_for_the_place_before_a_key_waits_for_that_key(
    writer: GhostWriter, link: PaperLink
) -> None:
    editor = PaperEditor("def f():\n    ")
    writer.look_at(editor, ROOT / "a.py", None)  # type: ignore[arg-type]
    writer.edited(typed(editor))
    (asked,) = [message for message in link.sent if isinstance(message, Complete)]
    assert asked.request.path == "a.py"

    editor.before += "r"  # a key whose edit is still to be told
    writer.on_engine(PartialText(asked.request_id, "return x"))
    assert editor.ghost == ""
    writer.edited(typed(editor))
    assert editor.ghost == "eturn x"


def requests(link: PaperLink) -> list[Complete]:
    return [message for message in link.sent if isinstance(message, Complete)]


def look(writer: GhostWriter, editor: PaperEditor | None, name: str = "a.py") -> None:
    writer.look_at(editor, ROOT / name, None)  # type: ignore[arg-type]


def shown(writer: GhostWriter, link: PaperLink, editor: PaperEditor, text: str) -> None:
    """Let a suggestion come."""
    look(writer, editor)
    writer.edited(typed(editor))
    writer.on_engine(PartialText(requests(link)[-1].request_id, text))
    assert editor.ghost == text


def test_who_was_looked_at_before_the_start_is_known(link: PaperLink) -> None:
    """The file is open before the engine's client is imported."""
    writer = writer_of(link)
    editor = PaperEditor("x = ")
    look(writer, editor)
    writer.edited(typed(editor))
    writer.moved(Editor.Moved(editor))  # type: ignore[arg-type]
    writer.ask()
    assert link.sent == []

    writer.start()
    writer.on_engine(demo_ready())
    writer.ask()

    assert requests(link)[-1].request.prefix == "x = "


def test_paused_before_the_start_is_paused_after_it(link: PaperLink) -> None:
    writer = writer_of(link)
    writer.paused = True
    writer.start()
    writer.on_engine(demo_ready())
    editor = PaperEditor("x = ")
    look(writer, editor)
    writer.edited(typed(editor))

    assert writer.paused
    assert requests(link) == []


def test_pausing_takes_the_text_away(writer: GhostWriter, link: PaperLink) -> None:
    editor = PaperEditor("x = ")
    shown(writer, link, editor, "1")
    writer.paused = True

    assert editor.ghost == ""


def test_what_another_editor_does_is_not_followed(writer: GhostWriter, link: PaperLink) -> None:
    """Its last messages may come after the person went to another file."""
    editor, other = PaperEditor("x = "), PaperEditor("y = ")
    look(writer, editor)
    before = len(requests(link))
    writer.edited(typed(other))
    writer.moved(Editor.Moved(other))  # type: ignore[arg-type]
    writer.dismissed(Editor.GhostDismissed(other, "escape"))  # type: ignore[arg-type]

    assert len(requests(link)) == before


def test_without_a_file_nothing_is_asked(writer: GhostWriter, link: PaperLink) -> None:
    look(writer, None)
    writer.ask()

    assert requests(link) == []


def test_a_refusal_holds_until_the_text_changes(writer: GhostWriter, link: PaperLink) -> None:
    editor = PaperEditor("x = ")
    shown(writer, link, editor, "1")
    count = len(requests(link))
    editor.ghost = ""
    writer.dismissed(Editor.GhostDismissed(editor, "escape"))  # type: ignore[arg-type]
    writer.on_engine(PartialText(requests(link)[-1].request_id, "12"))  # was on its way
    assert editor.ghost == ""
    writer.moved(Editor.Moved(editor))  # type: ignore[arg-type]
    assert len(requests(link)) == count

    editor.before += "["
    writer.edited(typed(editor))
    assert len(requests(link)) == count + 1


def test_the_status_line_hears_how_it_went(link: PaperLink) -> None:
    reports: list[SuggestionReport] = []
    writer = writer_of(link, reports.append)
    writer.start()
    writer.on_engine(demo_ready())
    editor = PaperEditor("x = ")
    shown(writer, link, editor, "1")
    assert reports[-1].shown
    assert reports[-1].latency_ms is not None

    writer.on_engine(Failed(requests(link)[-1].request_id, "out of memory"))
    assert reports[-1].shown  # the text that is shown stays the news
    editor.ghost = ""
    editor.before += "q"
    writer.edited(typed(editor))
    writer.on_engine(Failed(requests(link)[-1].request_id, "out of memory"))
    assert not reports[-1].shown
    assert "out of memory" in reports[-1].reason


def test_only_what_the_editor_shows_is_told_as_shown(writer: GhostWriter, link: PaperLink) -> None:
    told: list[Any] = []
    writer.on_event = told.append
    editor = PaperEditor("x = ")
    shown(writer, link, editor, "1")
    editor.before += "y"  # a key whose edit is still to be told
    writer.on_engine(PartialText(requests(link)[-1].request_id, "1 + 2"))

    assert [event.text for event in told] == ["1"]


def test_what_is_shown_goes_with_the_threshold_that_it_was_shown_by(
    writer: GhostWriter, link: PaperLink
) -> None:
    editor = PaperEditor("x = ")
    shown(writer, link, editor, "compute()")
    writer.change_settings(SuggestionSettings(delay_ms=0, ahead=False, threshold=70))
    assert editor.ghost == ""
    editor.before += "c"
    writer.edited(typed(editor))
    writer.on_engine(PartialText(requests(link)[-1].request_id, "ompute()"))
    assert editor.ghost == "ompute()"
