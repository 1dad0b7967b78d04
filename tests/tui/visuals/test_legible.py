"""Text can be read on whatever it stands on; the terminal's own colours are left to it."""

import pytest
from rich.color import Color
from rich.style import Style

from tui.visuals.contrast import READABLE, contrast
from tui.visuals.legible import legible, legible_styles

GROUNDS = ["#141920", "#d8d8d8", "#ffffff", "#f2b84b", "#004578"]


@pytest.mark.parametrize("ground", GROUNDS)
@pytest.mark.parametrize("colour", ["#a4a4a4", "#efcb43", "#141920", "#ffffff"])
def test_text_can_be_read_on_its_own_background_and_on_that_below(colour: str, ground: str) -> None:
    for style in (Style(color=colour), Style(color=colour, bgcolor=ground)):
        found = legible(style, ground).color
        assert found is not None
        assert found.triplet is not None
        assert contrast(found.triplet.hex, ground) >= READABLE


def test_what_can_be_read_stays_and_so_does_what_the_terminal_chooses() -> None:
    good = Style(color="#ffffff", bold=True)
    assert legible(good, "#000000") == good
    for style in (
        Style(color="yellow"),
        Style(color="#808080", bgcolor="white"),
        Style(color=Color.default()),
        Style(bold=True),
    ):
        assert legible(style, "#808080") == style
    assert legible_styles({"name": good}, "#000000") == {"name": good}
