from pathlib import Path

import pytest

from tui.settings import Settings, load_settings, parse_settings


def test_no_file_means_defaults() -> None:
    loaded = load_settings()
    assert loaded.settings == Settings()
    assert loaded.problems == ()


def test_values_are_taken() -> None:
    loaded = parse_settings(
        'theme = "nord"\n[suggestions]\ndelay_ms = 250\nautomatic = false\n'
        '[privacy]\nextra_patterns = ["*.dump"]\n[editor]\ntab_width = 2\n'
    )
    assert loaded.problems == ()
    assert loaded.settings.theme == "nord"
    assert loaded.settings.suggestions.delay_ms == 250
    assert loaded.settings.suggestions.automatic is False
    assert loaded.settings.privacy.extra_patterns == ("*.dump",)
    assert loaded.settings.editor.tab_width == 2


def test_a_wrong_type_costs_that_key_alone() -> None:
    loaded = parse_settings('[suggestions]\ndelay_ms = "soon"\nmax_tokens = 32\n')
    assert loaded.settings.suggestions.delay_ms == 100
    assert loaded.settings.suggestions.max_tokens == 32
    (problem,) = loaded.problems
    assert "suggestions.delay_ms = 'soon'" in problem


def test_a_value_out_of_range_is_a_mistake() -> None:
    loaded = parse_settings("[panes]\ninterval_ms = 3\n")
    assert loaded.settings.panes.interval_ms == 200
    assert "100" in loaded.problems[0]


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    loaded = parse_settings("[suggestions]\ndelay = 5\n[oddity]\nx = 1\n")
    assert "did you mean suggestions.delay_ms?" in loaded.problems[0]
    assert "unknown setting oddity" in loaded.problems[1]


def test_a_value_where_a_section_belongs() -> None:
    loaded = parse_settings("suggestions = 5\n")
    assert loaded.settings == Settings()
    assert loaded.problems == ("suggestions is a section: write it as [suggestions]",)


def test_no_toml_at_all(tmp_path: Path) -> None:
    loaded = parse_settings("= what")
    assert loaded.settings == Settings()
    assert "not valid TOML" in loaded.problems[0]


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    path = tmp_path / "settings.toml"
    path.write_bytes(b"\xff\xfe")
    loaded = load_settings(path)
    assert loaded.settings == Settings()
    assert "cannot be read" in loaded.problems[0]


@pytest.mark.parametrize("value", ["[" * 5_000, "1" * 5_000], ids=["deep", "long"])
def test_a_value_that_python_cannot_take_is_a_mistake_like_another(value: str) -> None:
    loaded = parse_settings(f"a={value}")
    assert loaded.settings == Settings()
    assert "not valid TOML" in loaded.problems[0]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("", True),
        ('[privacy]\nextra_patterns = ["*.dump"]', True),
        ("[suggestions]\ndelay_ms = 'soon'", True),
        ("[privacy]\nextra_patterns = '*.dump'", False),
        ("[privacy]\nextra = ['*.dump']", False),
        ("privacy = 5", False),
        ("= what", False),
    ],
)
def test_it_is_known_whether_all_private_files_are_named(text: str, known: bool) -> None:
    assert parse_settings(text).privacy_known is known
