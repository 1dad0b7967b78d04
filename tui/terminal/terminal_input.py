r"""What a terminal sends, as events: every text arrives, and nothing else becomes text.

Stands before Textual's parser, which gets whole control sequences and text without any.  Of itself
that parser types answers of the terminal into the file (``\x1b]11;rgb:…``), takes Esc and any key
that arrive together for Alt and the key, and ends on some numbers.  Reads no device.

A terminal that speaks kitty's protocol for keys, which it says when it is asked, sends Alt as a
sequence of its own: there an Esc and a key are always two.  Elsewhere Esc and Alt look alike:
``\x1be`` is either.  A letter with which the app gives a command by Alt is that, if it comes in one
write with the Esc; one that comes a moment later was typed after the Esc.  Other keys are Esc and
the key, because one that is lost costs more than one that was not meant; but not ``[``, ``]`` and
``\``, which other editors use with Alt to walk through suggestions, nor what terminals send for
Option with an arrow or Backspace: ``b``, ``f`` and ``\x7f``.
"""

import logging
import re
import unicodedata
from collections.abc import Callable, Iterator
from time import monotonic

from textual import events
from textual._xterm_parser import XTermParser
from textual.message import Message

__all__ = ["KEYS_QUERY", "TerminalInput"]

_log = logging.getLogger(__name__)

KEYS_QUERY = "\x1b[?u"
"""Asks for the flags of kitty's protocol for keys; a terminal that has none does not answer.

Source: https://sw.kovidgoyal.net/kitty/keyboard-protocol/#detection-of-support-for-this-protocol
"""
_ESC_AND_ALT_DIFFER = 0b1  # the flag "disambiguate escape codes"

_ESC = b"\x1b"
_PASTE_BEGINS, _PASTE_ENDS = b"\x1b[200~", b"\x1b[201~"

_SEQUENCE = re.compile(
    rb"\x1b(?:\[(?:M[\s\S]{3}|\[[A-E]|(?:3|7|8|23|24)\$|[0-?]*[ -/]*[@-LN-Z\\-~]|[0-?]+[ -/]*M)"
    rb"|O[A-DFHMP-Sa-d])"
)
"""A control sequence of a key, the mouse or an answer; the shortest of several readings."""
_OPTION_KEY = re.compile(rb"\x1b[bf\x7f]")
"""Option with an arrow or Backspace."""
_PROTOCOL = re.compile(rb"\x1b\[\?(\d{1,4})u")
"""The answer to `KEYS_QUERY`: the flags of kitty's protocol for keys that are set."""
_ANSWER = re.compile(rb"\x1b(?:\][0-9lL]|P[0-9>!]|_G)[^\x07\x1b]{0,65536}(?:\x07|\x1b\\)")
"""An answer of the terminal in form of a string, such as its colours or its name."""
_BEGINNING = re.compile(
    rb"\x1b(?:\[(?:M[\s\S]{0,2}|\[|[0-?]*[ -/]*)"
    rb"|\](?:[0-9lL][^\x07\x1b]{0,65536}\x1b?)?|P(?:[0-9>!][^\x07\x1b]{0,65536}\x1b?)?"
    rb"|_(?:G[^\x07\x1b]{0,65536}\x1b?)?|O)?"
)
"""What may become one of these with the next bytes."""
_MALFORMED = re.compile(rb"\x1b\[[0-?]*[ -/]*")
_OLD_MOUSE = re.compile(rb"\x1b\[M([\s\S])([\s\S])([\s\S])")
_KEY_WITH_TEXT = re.compile(rb"\x1b\[(\d{1,6});(\d{1,4});(\d{1,6})u")

_ESCAPE_SECONDS = 0.1
"""Time in which more must follow an Esc to be one sequence with it."""
_SEQUENCE_SECONDS = 0.5
"""Time in which a sequence, an answer or a character that has begun must go on, on a slow link."""
_PASTE_SECONDS = 2.0
"""Time in which a paste must go on; after it, what came is all of it."""

_LONGEST = 32
"""Bytes of a sequence from which on Textual's parser would take them for typed."""

_ALT_KEYS = {
    b"[": "left_square_bracket",
    b"]": "right_square_bracket",
    b"\\": "backslash",
}
_ALT_LETTERS = frozenset(map(bytes, zip(b"acdeghijklmnopqrstwxz", strict=True)))
"""Letters that are one key with an Esc of the same write: those of commands.  `tests/tui/test_keys`
compares them with the bindings."""
_ALT_OR_CTRL = 0b110


class TerminalInput:
    """Turns the bytes of a terminal into events, whatever they are.

    Args:
        clock: A clock in seconds.
    """

    def __init__(self, clock: Callable[[], float] = monotonic) -> None:
        self._clock = clock
        self._came_at = clock()
        self._bytes = b""
        self._escape_alone = False  # the Esc at the beginning came without what follows it now
        self._alt_is_told = False  # the terminal sends Alt as nothing else
        self._paste: bytearray | None = None
        self._parser = XTermParser()

    @property
    def waiting(self) -> bool:
        """Whether something has begun that more bytes, or `tick`, will end."""
        return bool(self._bytes) or self._paste is not None

    def feed(self, data: bytes) -> list[Message]:
        """Return the events of bytes that came."""
        self._came_at = self._clock()
        self._escape_alone = self._bytes == _ESC
        self._bytes += data
        return list(self._events(0.0))

    def tick(self) -> list[Message]:
        """Return the events of what was waited for long enough; to be called while `waiting`."""
        return list(self._events(self._clock() - self._came_at))

    def _events(self, waited: float) -> Iterator[Message]:
        """Yield the events of the bytes at hand, after ``waited`` seconds without more."""
        while self.waiting:
            before = len(self._bytes), self._paste is None
            if self._paste is not None:
                yield from self._pasted(waited)
            elif self._bytes.startswith(_ESC):
                yield from self._escaped(waited)
            else:
                yield from self._typed(waited)
            if (len(self._bytes), self._paste is None) == before:
                return  # more must come first

    def _take(self, length: int) -> bytes:
        taken, self._bytes = self._bytes[:length], self._bytes[length:]
        self._escape_alone = False
        return taken

    # ── text ────────────────────────────────────────────────────────────────────────────────

    def _typed(self, waited: float) -> Iterator[Message]:
        """Yield the keys of the text before the next Esc; bytes that are no UTF-8 are dropped."""
        end = self._bytes.find(_ESC)
        length = len(self._bytes) if end < 0 else end
        if end < 0 and waited < _SEQUENCE_SECONDS:
            length -= _unfinished(self._bytes)
        for character in self._take(length).decode("utf-8", "ignore"):
            yield from self._parsed(character)

    def _pasted(self, waited: float) -> Iterator[Message]:
        """Yield what was pasted once its end has come, or does not come any more."""
        assert self._paste is not None  # asked for only then
        end = self._bytes.find(_PASTE_ENDS)
        over = end >= 0 or waited >= _PASTE_SECONDS
        if end >= 0:
            self._paste += self._take(end)
            self._take(len(_PASTE_ENDS))
        else:  # the last bytes may be the beginning of the end
            kept = 0 if over else len(_PASTE_ENDS) - 1
            self._paste += self._take(max(0, len(self._bytes) - kept))
        if over:
            text, self._paste = self._paste.decode("utf-8", "replace"), None
            yield events.Paste(text.replace("\0", ""))

    # ── control sequences ───────────────────────────────────────────────────────────────────

    def _escaped(self, waited: float) -> Iterator[Message]:
        """Yield the events of what begins with an Esc."""
        if answer := _ANSWER.match(self._bytes):
            self._take(answer.end())
        elif sequence := self._whole_sequence():
            yield from self._sequence(self._take(sequence.end()))
        elif not _BEGINNING.fullmatch(self._bytes) or waited >= self._patience:
            yield from self._no_sequence()

    def _whole_sequence(self) -> re.Match[bytes] | None:
        """Return the control sequence at the beginning, if all of one is there."""
        option = None if self._alt_is_told else _OPTION_KEY.match(self._bytes)
        return option or _SEQUENCE.match(self._bytes)

    @property
    def _patience(self) -> float:
        """Seconds to wait for the rest of what may be a sequence."""
        return _ESCAPE_SECONDS if len(self._bytes) <= 2 else _SEQUENCE_SECONDS

    def _sequence(self, sequence: bytes) -> Iterator[Message]:
        """Yield what a whole control sequence means; nothing if Textual does not know it."""
        if sequence == _PASTE_BEGINS:
            self._paste = bytearray()
        elif protocol := _PROTOCOL.fullmatch(sequence):
            self._alt_is_told = bool(int(protocol[1]) & _ESC_AND_ALT_DIFFER)
        elif old_mouse := _OLD_MOUSE.fullmatch(sequence):
            yield from self._parsed(_sgr_mouse(*(field[0] - 32 for field in old_mouse.groups())))
        elif len(sequence) <= _LONGEST:
            yield from self._parsed(_without_text_of_alt(sequence).decode("ascii"))

    def _no_sequence(self) -> Iterator[Message]:
        """Yield the key of an Esc that begins no sequence; the rest is what it would be alone."""
        name = self._alt_key()
        malformed = _MALFORMED.match(self._bytes)
        if malformed and malformed.end() > 2:
            self._take(malformed.end())
        elif name is not None:
            self._take(2)
            yield events.Key(f"alt+{name}", None)
        else:
            self._take(1)
            yield events.Key("escape", "\x1b")

    def _alt_key(self) -> str | None:
        """Return the name of the key after the Esc if the two are one key with Alt."""
        follows = self._bytes[1:2]
        if self._alt_is_told:
            return None
        if follows in _ALT_LETTERS and not self._escape_alone:
            return follows.decode("ascii")
        return _ALT_KEYS.get(follows)

    def _parsed(self, text: str) -> Iterator[Message]:
        """Yield what Textual's parser makes of a whole sequence or of one character."""
        try:
            found = list(self._parser.feed(text))
        except Exception:  # numbers that are too large, sizes of zero, whatever comes next
            _log.warning("the terminal sent %r, which Textual cannot read", text, exc_info=True)
            found = []
        if not found:
            self._forget_sequence()
        for event in found:
            yield _as_text(event)

    def _forget_sequence(self) -> None:
        """Let the parser wait for nothing that belongs to a sequence it does not know."""
        old, self._parser = self._parser, XTermParser()
        for fact in ("last_x", "last_y", "mouse_pixels", "terminal_size", "terminal_pixel_size"):
            setattr(self._parser, fact, getattr(old, fact))


def _unfinished(data: bytes) -> int:
    """Return how many bytes at the end of ``data`` are the beginning of a character."""
    for length in range(1, min(4, len(data) + 1)):
        lead = data[-length]
        if lead >= 0xC0:
            needed = 2 + (lead >= 0xE0) + (lead >= 0xF0)
            return length if length < needed else 0
        if lead < 0x80:
            return 0
    return 0


def _sgr_mouse(buttons: int, column: int, row: int) -> str:
    """Return an old report of the mouse in the form of the new one."""
    released = buttons & 0b1100011 == 3
    return f"\x1b[<{buttons - 3 if released else buttons};{column};{row}{'m' if released else 'M'}"


def _without_text_of_alt(sequence: bytes) -> bytes:
    """Return a key with Alt or Ctrl without its text, if that is what it is without them.

    Other text is what the keyboard's layout makes of Alt, as ``@`` on some.
    """
    key = _KEY_WITH_TEXT.fullmatch(sequence)
    if key is None:
        return sequence
    code, modifiers, text = key.groups()
    with_them = int(modifiers) - 1 & _ALT_OR_CTRL
    same = chr(int(text)).lower() == chr(int(code))
    return b"\x1b[%s;%su" % (code, modifiers) if with_them and same else sequence


def _as_text(event: Message) -> Message:
    """Return a key as text to paste if it is text that Textual does not take for printable.

    So are spaces of other scripts, signs of private use, and those newer than Python.
    """
    if not isinstance(event, events.Key) or not event.character or event.is_printable:
        return event
    is_text = unicodedata.category(event.character) not in ("Cc", "Cs")
    return events.Paste(event.character) if is_text else event
