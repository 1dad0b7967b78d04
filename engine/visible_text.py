r"""Makes text of others safe to show: what would steer a terminal becomes a sign of one cell.

The only door between names and texts that are not ours and a terminal, a log or a notice.  Shows;
what is stored, sent or saved stays as it is.
"""

from functools import lru_cache

__all__ = ["UNSEEN", "visible"]

_BIDI = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Marks of writing direction: they could show code, or a name, in a wrong order."""

UNSEEN = (
    rf"\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029{_BIDI}"
    r"\xad\u180e\u200b\u2060-\u2064\u206a-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f"
)
r"""What stands in no text that a person would type or could see, as the inside of a ``[…]`` of a
regular expression: control characters but ``\t`` and ``\n``, separators of lines, directions, and
signs without a shape.  The two joiners, of which scripts and emoji are made, are none of them."""

_MARKS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x200E, 0x200F, 0x061C)


@lru_cache(maxsize=8)
def _stand_ins(kept: str) -> dict[int, str]:
    """Return a sign for each character that would disturb a terminal, but those in ``kept``."""
    table = {code: chr(0x2400 + code) for code in range(0x20)}
    table[0x7F] = "␡"
    table |= dict.fromkeys(range(0x80, 0xA0), "·")
    table |= dict.fromkeys(_MARKS, "‧")
    table |= dict.fromkeys((0x2028, 0x2029), "¶")
    table |= dict.fromkeys(range(0xD800, 0xE000), "�")
    return {code: sign for code, sign in table.items() if chr(code) not in kept}


def visible(text: str, *, kept: str = "") -> str:
    r"""Return ``text`` with a sign in place of each character that would steer a terminal.

    One character for one, so columns stay what they are.  Half a surrogate pair, as Python reads
    a byte of a file's name that is no UTF-8, becomes �.

    Args:
        text: Anything: a name, a message, a line of a file.
        kept: Characters that stay: ``"\t"`` for a line of code, ``"\n"`` for several lines.

    Example:
        >>> visible("a\x1b]0;b\n")
        'a␛]0;b␊'
    """
    return text if text.isprintable() else text.translate(_stand_ins(kept))
