"""The editor's benchmark sees ghost text in what the terminal is sent."""

import pytest
from rich.color import ColorSystem
from rich.segment import Segment
from rich.style import Style
from textual.color import Color
from textual.filter import DimFilter

from scripts.bench_editor import GHOST


@pytest.mark.parametrize(("style", "is_ghost"), [("dim italic #c0c0c0", True), ("#c0c0c0", False)])
@pytest.mark.parametrize("dimmed", [True, False])
def test_ghost_text_is_told_from_code(style: str, is_ghost: bool, dimmed: bool) -> None:
    drawn = [Segment("x", Style.parse(f"{style} on #202020"))]
    if dimmed:
        drawn = DimFilter().apply(drawn, Color.parse("#202020"))
    assert drawn[0].style is not None
    sent = drawn[0].style.render("x", color_system=ColorSystem.TRUECOLOR)
    assert (GHOST.search(sent.encode()) is not None) == is_ghost


def test_a_move_to_the_third_row_is_no_ghost() -> None:
    assert GHOST.search(b"\x1b[3;38Hx\x1b[1;3Hm") is None
