"""Contrast by the guidelines' own examples, and labels of the X-ray's scrubber in every theme."""

import pytest
from textual.theme import BUILTIN_THEMES, Theme

from tui.theme import SPARK_THEME
from tui.visuals.contrast import READABLE, contrast, readable, readable_on
from tui.visuals.inks import inks_from
from tui.visuals.xray_text import _visit_style

THEMES = [*BUILTIN_THEMES.values(), SPARK_THEME]


def test_contrast_of_known_pairs() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#123456", "#123456") == 1


def test_an_ink_that_cannot_be_read_gives_way() -> None:
    assert readable_on("#ffffff", "#767676") == "#767676"
    assert readable_on("#ffffff", "#777777") == "#000000"
    assert readable_on("#202020", "#333333") == "#ffffff"


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_labels_of_the_scrubber_can_be_read(theme: Theme) -> None:
    inks = inks_from(theme.to_color_system().generate(), dark=theme.dark)
    for number in (0, 1):
        ink, _, ground = _visit_style(number, inks).split()
        assert contrast(ink, ground) >= READABLE


def test_a_colour_that_can_be_read_stays_and_another_keeps_its_hue() -> None:
    assert readable("#f2b84b", "#141920") == "#f2b84b"
    yellow = readable("#ffff00", "#ffffff")
    assert yellow[1:3] == yellow[3:5] != yellow[5:]
