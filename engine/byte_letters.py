"""The alphabet of byte-level vocabularies: which letter of a token stands for which byte."""

from functools import cache

__all__ = ["byte_of_letter"]


@cache
def byte_of_letter() -> dict[str, int]:
    """Return the byte for each letter of the byte-level alphabet.

    A printable byte is its own letter.  The others get the letters from U+0100 on, in order
    (Radford et al., GPT-2, 2019).
    """
    printing = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {chr(byte): byte for byte in printing}
    hidden = (byte for byte in range(256) if byte not in printing)
    return letters | {chr(0x100 + i): byte for i, byte in enumerate(hidden)}
