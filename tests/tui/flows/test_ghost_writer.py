"""What is shown at the cursor while keys and answers cross."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from textual.document._document import Selection

from engine.protocol.messages import Complete, PartialText
from tui.demo_engine import demo_ready
from tui.flows.ghost_writer import GhostWriter
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
    selection: Selection = field(default_factory=Selection)

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


@pytest.fixture
def writer(link: PaperLink) -> GhostWriter:
    settings = Settings(suggestions=SuggestionSettings(delay_ms=0))
    writer = GhostWriter(
        link,  # type: ignore[arg-type]
        settings,
        root=ROOT,
        set_timer=lambda seconds, callback: PaperTimer(),
        report=lambda report: None,
    )
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
