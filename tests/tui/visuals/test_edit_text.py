"""The line about an edit, in wide and narrow terminals."""

import pytest
from rich.cells import cell_len

from engine.protocol.editing import EditRequest
from tests.tui.app.fakes import demo_edit
from tests.tui.visuals.inks import INKS
from tui.assist.edit_draft import EditDraft
from tui.visuals.edit_text import edit_text


def draft(phase: str) -> EditDraft:
    one = EditDraft(EditRequest("a.py", "a = 1\nb = 2\nc = 3\n", 1, 3, ""))
    if phase != "asking":
        one.ask("Do it.")
    if phase == "writing":
        one.write("a = 2\nb")
    if phase == "deciding":
        one.finish(demo_edit("a = 2\nb = 2\nc = 4"))
    if phase == "refused":
        one.fail("the file would no longer parse\x1b[2J: '(' was never closed in line 2")
    return one


def line(phase: str, width: int = 160, *, steering: bool = False) -> str:
    return edit_text(draft(phase), width, INKS, steering=steering).plain


def test_it_says_how_far_an_edit_is_and_what_the_keys_do() -> None:
    assert line("asking").startswith(" edit lines 1–3 ")
    assert line("asking").endswith("Enter asks · Alt+E more lines · Esc leaves · ↑ earlier")
    assert "writing, line 2 …" in line("writing")
    assert "Esc stops · Alt+E steers" in line("writing")
    said = line("deciding")
    assert "2 changes · 122 ms host, 143 tokens/s · wafer 12 337 tokens/s at 0.85 GHz" in said
    assert "Tab accepts · n rejects · Enter all · Esc none" in said
    assert "no edit: the file would no longer parse" in line("refused")
    assert "\x1b" not in line("refused")
    assert "Enter asks · Esc goes back" in line("writing", steering=True)


def test_what_is_left_is_said() -> None:
    one = draft("deciding")
    one.decide(1, "rejected")
    said = edit_text(one, 160, INKS).plain
    assert "2 changes, 1 open" in said
    assert "Enter the rest" in said


@pytest.mark.parametrize("phase", ["asking", "writing", "deciding", "refused"])
@pytest.mark.parametrize("width", [20, 34, 48, 60, 80, 120])
def test_it_fits(phase: str, width: int) -> None:
    said = line(phase, width)
    if phase != "refused":  # a reason is told whole, in as many lines as it takes
        assert cell_len(said) <= width
    elif width < 80:
        assert said.endswith("in line 2 · Alt+E again · Esc leaves")
    first = {"asking": "edit", "writing": "writing", "deciding": "2 changes", "refused": "no edit"}
    assert said.strip().startswith(first[phase])
