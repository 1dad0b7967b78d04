"""Text can be read on its ground in every theme."""

import pytest
from textual.theme import BUILTIN_THEMES

from tui.theme import SPARK_THEME
from tui.visuals.inks import contrast, inks_from, readable

THEMES = {theme.name: theme for theme in (SPARK_THEME, *BUILTIN_THEMES.values())}
ROLES = ("text", "muted", "host", "wafer", "good", "caution", "bad")


@pytest.mark.parametrize("name", sorted(THEMES))
def test_every_ink_of_text_stands_out_from_its_ground(name: str) -> None:
    inks = inks_from(THEMES[name].to_color_system().generate())
    for role in ROLES:
        assert contrast(getattr(inks, role), inks.ground) >= 4.5, role


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


def test_a_colour_that_can_be_read_stays_and_another_keeps_its_hue() -> None:
    assert readable("#f2b84b", "#141920") == "#f2b84b"
    yellow = readable("#ffff00", "#ffffff")
    assert yellow[1:3] == yellow[3:5] != yellow[5:]
