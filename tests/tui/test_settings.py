"""The settings file: a mistake costs one key, and the message says what is allowed."""

import re
import runpy
from pathlib import Path

import msgspec
import pytest

from tui.settings import LoadedSettings, Settings, load_settings, parse_settings

ROOT = Path(__file__).parents[2]


def test_no_file_means_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_CONFIG_DIR", str(tmp_path))
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
    assert loaded.problems == (
        'suggestions.delay_ms = "soon" must be a whole number from 0 to 10000; 100 is used',
    )


def test_a_value_out_of_range_is_a_mistake() -> None:
    loaded = parse_settings("[panes]\ninterval_ms = 3\n")
    assert loaded.settings.panes.interval_ms == 200
    assert loaded.problems == (
        "panes.interval_ms = 3 must be a whole number from 100 to 5000; 200 is used",
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("theme = 5", 'theme = 5 must be text in quotes; "spark" is used'),
        (
            "[panes]\nvisible = 'yes'",
            'panes.visible = "yes" must be true or false; true is used',
        ),
        (
            "[privacy]\nextra_patterns = ['a', true]",
            'privacy.extra_patterns = ["a", true] must be a list of texts in quotes; [] is used',
        ),
        (
            f"[editor]\ntab_width = '{'x' * 99}'",
            f'editor.tab_width = "{"x" * 59}… must be a whole number from 1 to 16; 4 is used',
        ),
    ],
)
def test_a_message_names_key_value_and_what_is_allowed(text: str, problem: str) -> None:
    assert parse_settings(text).problems == (problem,)


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


# ── the page ────────────────────────────────────────────────────────────────────────────────────


def test_the_page_says_what_the_code_says() -> None:
    page = (ROOT / "tui" / "SETTINGS.md").read_text(encoding="utf-8")
    render = runpy.run_path(str(ROOT / "scripts" / "settings_page.py"))["render"]
    assert page == render(), "run: python scripts/settings_page.py"


def test_the_page_has_every_key_with_its_meaning() -> None:
    page = (ROOT / "tui" / "SETTINGS.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \|.*\| (.*) \|$", page, re.MULTILINE))
    sections = [
        part for part in msgspec.structs.astuple(Settings()) if hasattr(part, "__struct_fields__")
    ]
    keys = {key for part in sections for key in part.__struct_fields__} | {"theme", "keys"}
    assert set(rows) == keys
    assert all(rows.values())


def test_the_example_on_the_page_is_the_default() -> None:
    page = (ROOT / "tui" / "SETTINGS.md").read_text(encoding="utf-8")
    example = page.partition("```toml\n")[2].partition("```")[0]
    assert parse_settings(example) == LoadedSettings(Settings())
