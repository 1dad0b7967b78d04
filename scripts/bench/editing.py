"""Random editing, key by key: some whose text is known to the letter, some that only stirs.

Knows no terminal and no program; keys are the bytes that a terminal sends.
"""

from random import Random

__all__ = ["BACKSPACE", "CTRL_END", "ESCAPE", "SAVE", "KnownText", "lost_keys", "stirring_key"]

BACKSPACE, ENTER, ESCAPE, TAB = b"\x7f", b"\r", b"\x1b", b"\t"
SAVE, SUGGEST, UNDO, REDO = b"\x13", b"\x0c", b"\x1a", b"\x19"
CTRL_END = b"\x1b[1;5F"
_ARROWS = (b"\x1b[A", b"\x1b[B", b"\x1b[C", b"\x1b[D")
_MOVES = (*_ARROWS, b"\x1b[H", b"\x1b[F", b"\x1b[5~", b"\x1b[6~", b"\x1b[1;5C", b"\x1b[1;5D")
_LETTERS = "abcdefghijklmnopqrstuvwxyz_0123456789,"
_STIRRING = (*(sign.encode() for sign in _LETTERS + " ()[]:=\"'.#é"), ENTER, BACKSPACE, b"\x1b[3~")


class KnownText:
    """A text that is typed at the end of a file, and what the file must hold then.

    Only keys whose effect no suggestion and no indentation changes: what is lost, shows.
    """

    def __init__(self, text: str) -> None:
        self.text = text

    def key(self, rng: Random) -> bytes:
        """Return the next key; `text` holds what it does."""
        kind = rng.random()
        in_line = not self.text.endswith("\n")
        if kind < 0.10 and in_line:
            self.text = self.text[:-1]
            return BACKSPACE
        if kind < 0.18 and in_line:
            self.text += "\n"
            return ENTER
        if kind < 0.22:
            return SUGGEST
        sign = rng.choice(_LETTERS + " " * 6 if in_line else _LETTERS)
        self.text += sign
        return sign.encode()


def stirring_key(rng: Random) -> bytes:
    """Return any key of an editor: text, brackets, moves, suggestions taken or not, undo."""
    kind = rng.random()
    if kind < 0.6:
        return rng.choice(_STIRRING)
    if kind < 0.75:
        return rng.choice(_MOVES)
    return rng.choice((TAB, SUGGEST, SUGGEST, UNDO, UNDO, REDO, ESCAPE))


def lost_keys(wanted: str, found: str) -> int:
    """Return how many characters of the one text are not in the other, at their place in order."""
    row = [0] * (len(found) + 1)
    for sign in wanted:
        before = 0
        for at, other in enumerate(found, 1):
            before, row[at] = row[at], before + 1 if sign == other else max(row[at], row[at - 1])
    return len(wanted) - row[-1]
