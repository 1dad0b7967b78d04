"""Inks of every theme: text can be read on its ground, and the ground is as dark as the theme."""

from dataclasses import fields

import pytest
from textual.theme import BUILTIN_THEMES, Theme

from tui.theme import SPARK_THEME
from tui.visuals.contrast import READABLE, contrast
from tui.visuals.inks import Inks, inks_from

THEMES = [*BUILTIN_THEMES.values(), SPARK_THEME]
NO_TEXT = ("ground", "faint", "terminal_ground", "few_colours")
TEXT = [field.name for field in fields(Inks) if field.name not in NO_TEXT]


def inks_of(theme: Theme) -> Inks:
    return inks_from(theme.to_color_system().generate(), dark=theme.dark)


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_ink_of_text_stands_out_from_its_ground(theme: Theme) -> None:
    inks = inks_of(theme)
    for name in TEXT:
        assert contrast(getattr(inks, name), inks.ground) >= READABLE, name


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_ground_is_light_in_a_light_theme_and_dark_in_a_dark_one(theme: Theme) -> None:
    """Also where the terminal chooses it, as with ``ansi-light``."""
    ground = inks_of(theme).ground
    assert (contrast(ground, "#ffffff") > contrast(ground, "#000000")) is theme.dark


def test_a_ground_of_the_terminals_own_is_told() -> None:
    told = [theme.name for theme in THEMES if inks_of(theme).terminal_ground]
    assert told == ["ansi-dark", "ansi-light"]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_the_inks_of_the_three_clocks_can_be_told_apart(theme: Theme) -> None:
    inks = inks_of(theme)
    assert len({inks.host, inks.wafer, inks.text}) == 3
