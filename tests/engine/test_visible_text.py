"""What is shown of a text that is not ours, and how the log writes it."""

import logging
import re
import sys
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.log_lines import LogLines
from engine.visible_text import UNSEEN, visible

STEERS = {"Cc", "Cs", "Zl", "Zp"}
BIDI = {"LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"}


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.text(st.characters(), max_size=40))
def test_one_sign_for_one_character_and_nothing_that_steers(text: str) -> None:
    shown = visible(text)
    assert len(shown) == len(text)
    for before, after in zip(text, shown, strict=True):
        steers = unicodedata.category(before) in STEERS or unicodedata.bidirectional(before) in BIDI
        assert (after != before) == (steers or before in "\u061c\u200e\u200f")
        assert after.isprintable() or after == before


@pytest.mark.parametrize(
    ("text", "kept", "shown"),
    [
        ("b\x1b]0;PWNED\x07.py", "", "b␛]0;PWNED␇.py"),
        ("\x9b31mred", "", "·31mred"),
        ("a\tb\nc\r", "", "a␉b␊c␍"),
        ("a\tb\nc\r", "\t", "a\tb␊c␍"),
        ("a\tb\nc\r", "\t\n", "a\tb\nc␍"),
        ("caf\udce9", "", "caf\ufffd"),
        ("x\u202ey\u2028", "", "x‧y¶"),
        ("字👩\u200d👧é\u00a0", "", "字👩\u200d👧é\u00a0"),
    ],
)
def test_what_is_kept_and_what_becomes_a_sign(text: str, kept: str, shown: str) -> None:
    assert visible(text, kept=kept) == shown


def test_every_character_without_a_shape_is_unseen_but_the_joiners() -> None:
    """Of the format characters, those that scripts are written with have a shape or a use."""
    unseen = re.compile(f"[{UNSEEN}]")
    written = re.compile("[\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2]")
    for code in range(0x10000):
        character = chr(code)
        category = unicodedata.category(character)
        if category in {"Cc", "Cf", "Zl", "Zp"} and character not in "\t\n":
            assert unseen.search(character) or written.search(character), hex(code)
        elif category[0] in "LMNPS":
            assert not unseen.search(character), hex(code)
    assert unseen.search("\U000e0041"), "a tag can carry words that no one sees"
    assert sys.maxunicode == 0x10FFFF


def test_the_log_can_be_read_in_a_terminal() -> None:
    record = logging.LogRecord(
        "tui", logging.WARNING, "", 1, "no recovery file for %s", ("b\x1b]0;x\x07\x9b.py",), None
    )
    line = LogLines().format(record)
    assert line.endswith("WARNING tui: no recovery file for b␛]0;x␇·.py")
    try:
        raise ValueError("\x1b[41m")
    except ValueError:
        record.exc_info = sys.exc_info()
    record.exc_text = None
    written = LogLines().format(record)
    assert "Traceback" in written
    assert "\n" in written
    assert "\x1b" not in written
