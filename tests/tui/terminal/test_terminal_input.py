"""What becomes of the bytes that terminals send, of those that people type, and of any others."""

import random
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from textual import events
from textual.message import Message

from tui.terminal.terminal_input import TerminalInput


class Clock:
    """A clock that a test moves on."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def told(*pieces: bytes | float) -> list[Message]:
    """Return the events of bytes that come with pauses (seconds) between them."""
    clock = Clock()
    reader = TerminalInput(clock)
    found: list[Message] = []
    for piece in (*pieces, 9.0):
        if isinstance(piece, bytes):
            found += reader.feed(piece)
        else:
            clock.now += piece
            found += reader.tick()
    assert not reader.waiting
    return found


def keys(*pieces: bytes | float) -> list[str]:
    """Return the names of keys, pastes in quotes, and the kinds of other events."""
    names = []
    for event in told(*pieces):
        match event:
            case events.Key():
                names.append(event.key)
            case events.Paste():
                names.append(repr(event.text))
            case _:
                names.append(type(event).__name__)
    return names


def typed(*pieces: bytes | float) -> str:
    """Return the text that would arrive in an editor."""
    text = ""
    for event in told(*pieces):
        if isinstance(event, events.Paste):
            text += event.text
        elif isinstance(event, events.Key) and event.is_printable:
            text += event.character or ""
    return text


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        (b"\x1b:w", ["escape", "colon", "w"]),
        (b"\x1b1", ["escape", "1"]),
        (b"\x1b\r", ["escape", "enter"]),
        (b"\x1b\t", ["escape", "tab"]),
        (b"\x1b\x1b", ["escape", "escape"]),
        (b"\x1b\x1b[A", ["escape", "up"]),
        ("\x1bé".encode(), ["escape", "é"]),
        (b"\x1bPr", ["escape", "P", "r"]),
        (b"\x1bO", ["escape", "O"]),
        (b"\x1bOk", ["escape", "O", "k"]),
        (b"\x1b_x", ["escape", "underscore", "x"]),
    ],
    ids=ascii,
)
def test_esc_and_a_key_in_one_write_are_two_keys(sent: bytes, names: list[str]) -> None:
    assert keys(sent) == names


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1b]", b"\x1b[", b"\x1b\\", b"\x1b[93;3u", b"\x1b[93;3;93u", b"\x1b[97;4;65u",
        b"\x1b[120;5;120u", b"\x1bf", b"\x1bb", b"\x1b\x7f", b"\x1b[1;3C",
    ],
    ids=ascii,
)  # fmt: skip
def test_alt_and_a_key_never_insert(sent: bytes) -> None:
    [event] = told(sent)
    assert isinstance(event, events.Key)
    assert not event.is_printable
    assert typed(sent, 1.0, b"x") == "x"


def test_a_letter_that_comes_with_an_esc_is_alt_and_one_after_it_is_not() -> None:
    assert keys(b"\x1be") == ["alt+e"]
    assert keys(b"\x1bv") == ["escape", "v"]
    assert keys(b"a\x1bey\x1b\x1bn") == ["a", "alt+e", "y", "escape", "alt+n"]
    assert keys(b"\x1b", b"x") == ["escape", "x"]
    assert keys(b"\x1b", b"e\x1be") == ["escape", "e", "alt+e"]


@pytest.mark.parametrize("key", [*b"acdeghijklmnopqrstwxz", *b"bf]\\[\x7f"], ids=chr)
def test_where_the_terminal_tells_alt_an_esc_and_a_key_are_always_two(key: int) -> None:
    flags, sent = b"\x1b[?25u", b"\x1b" + bytes([key])
    [alt] = keys(sent)
    assert alt != "escape"
    first, *second = keys(flags, sent)
    assert first == "escape"
    assert second == keys(bytes([key]))
    assert keys(flags, b"\x1b[%d;3u" % key, sent) == [*keys(b"\x1b[%d;3u" % key), first, *second]
    assert keys(b"\x1b[?0u", sent) == [alt], "it knows the protocol, but it is off"
    assert keys(b"\x1b[?1u", b"\x1b[?0u", sent) == [alt], "it was switched off"


def test_text_that_a_layout_makes_of_alt_is_text() -> None:
    assert typed(b"\x1b[113;3;64u") == "@"


@pytest.mark.parametrize(
    ("sent", "names"),
    [
        (b"\x1b[A\x1b[1;5C\x1bOP", ["up", "ctrl+right", "f1"]),
        (b"\x1b[[A\x1b[3$\x1b[15~", ["f1", "shift+delete", "f5"]),
        (b"\x1b[I\x1b[O", ["AppFocus", "AppBlur"]),
        (b"\x1b[<0;5;6M\x1b[<0;5;6m\x1b[<64;5;6M", ["MouseDown", "MouseUp", "MouseScrollUp"]),
        (b"\x1b[M\x20\xe1\xa1\x1b[M\x23\xe1\xa1x", ["MouseDown", "MouseUp", "x"]),
        (b"\x1b[M\x60\x21\x21", ["MouseScrollUp"]),
        (b"\x1b[12;34R", ["CursorPosition"]),
        (b"\x1b[200~a\nb\x1b[31m\x1b[201~c", [r"'a\nb\x1b[31m'", "c"]),
    ],
    ids=ascii,
)
def test_what_terminals_send_is_understood(sent: bytes, names: list[str]) -> None:
    assert keys(sent) == names
    if sent[:3] != b"\x1b[2":
        assert keys(*(sent[i : i + 1] for i in range(len(sent)))) == names, "a byte at a time"


@pytest.mark.parametrize(
    "sent",
    [
        b"\x1b]11;rgb:0000/0000/0000\x07",
        b"\x1b]11;rgb:0000/0000/0000\x1b\\",
        b"\x1bP>|xterm(388)\x1b\\",
        b"\x1bP1$r0m\x1b\\",
        b"\x1b_Gi=31;OK\x1b\\",
        b"\x1b[?1u",
        b"\x1b[?62;22c",
        b"\x1b[>0;276;0c",
        b"\x1b[?2026;2$y",
        b"\x1b[8;40;120t",
        b"\x1b[99999999999999999999u",
        b"\x1b[1114112;1u",
        b"\x1b[48;0;0;0;0t",
        b"\x1b[" + b"1;" * 400 + b"z",
        b"\x1b[1;\x1b[2~",
        b"\x1b[12",
        b"\xff\xfe\x80",
        b"\xe5\xad",
        b"\x00\x01\x02\x1c\x1d\x1e\x1f\x7f",
        b"\x1b[201~",
    ],
    ids=lambda sent: ascii(sent[:20]),
)
def test_what_is_no_text_is_never_typed(sent: bytes) -> None:
    assert typed(sent) == ""
    assert typed(b"a", sent, 1.0, b"b") == "ab"
    assert typed(*(sent[i : i + 1] for i in range(len(sent)))) == ""


def test_every_category_of_unicode_arrives() -> None:
    samples: dict[str, str] = {}
    for code in (*range(0x30000), *range(0xE0000, 0xE0100), 0xF0000):
        samples.setdefault(unicodedata.category(chr(code)), chr(code))
    assert len(samples) == 30
    for category, character in samples.items():
        sent = character.encode("utf-8", "surrogatepass")
        expected = "" if category in ("Cc", "Cs") else character
        assert typed(sent) == expected, category
        halves = sent[:1], 0.2, sent[1:]  # a slow link may part a character
        assert typed(*halves) == expected, category
    assert typed("\u3000\u00a0\ue0b0\u200b".encode()) == "\u3000\u00a0\ue0b0\u200b"


def test_a_paste_whose_end_is_lost_does_not_make_the_app_deaf() -> None:
    assert keys(b"\x1b[200~abc", 0.5, b"d", 1.9, b"e", 3.0, b"x") == ["'abcde'", "x"]
    assert keys(b"\x1b[200~ab\x1b[20", 0.1, b"1~c") == ["'ab'", "c"]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.one_of(st.binary(max_size=8), st.sampled_from([0.05, 0.3, 1.0])), max_size=12))
def test_any_bytes_at_any_pace_are_survived_and_keys_arrive_after_them(pieces: list) -> None:
    after = told(*pieces, 3.0, b"x")[-1:]
    assert [event.key for event in after if isinstance(event, events.Key)] == ["x"]


def test_bytes_that_look_like_the_beginning_of_something_are_survived() -> None:
    chance = random.Random(1)
    beginnings = [b"", b"[", b"[M", b"[<", b"]1", b"P>", b"[48;", b"[?", b"[200~"]
    for _ in range(300):
        pieces = [
            b"\x1b"
            + chance.choice(beginnings)
            + bytes(chance.choices(b"0123456789;:<MmutRy$\x07\x1b\\", k=9))
            for _ in range(4)
        ]
        assert keys(*pieces, 3.0, b"x")[-1] == "x"
