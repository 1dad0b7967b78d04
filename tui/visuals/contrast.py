"""Contrast of two colours, and the ink that can be read on a ground.  Pure.

Source: Web Content Accessibility Guidelines 2.1, contrast ratio and relative luminance.
"""

from tui.visuals.palette import blend

__all__ = ["READABLE", "contrast", "readable", "readable_on"]

READABLE = 4.5
"""Least ratio of text to its ground (success criterion 1.4.3)."""


def contrast(one: str, other: str) -> float:
    """Return the ratio of two colours ``#rrggbb``, 1–21."""
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def readable_on(ground: str, wanted: str) -> str:
    """Return the ink that is wanted if it can be read on a ground, else black or white."""
    if contrast(wanted, ground) >= READABLE:
        return wanted
    return max("#000000", "#ffffff", key=lambda ink: contrast(ink, ground))


def readable(colour: str, ground: str) -> str:
    """Return the nearest colour, towards black or white, that text on a ground can have.

    Example:
        >>> readable("#ffff00", "#ffffff")
        '#737300'
    """
    extreme = max(("#000000", "#ffffff"), key=lambda end: contrast(end, ground))
    for percent in range(0, 100, 5):
        nearer = blend(colour, extreme, percent / 100)
        if contrast(nearer, ground) >= READABLE:
            return nearer
    return extreme


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
