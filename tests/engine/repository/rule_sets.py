"""Ignore files made at random, of the parts of git's pattern language, and names they meet."""

from random import Random

__all__ = ["NAMES", "ignore_file"]

NAMES = (
    "a", "b", "ab", "a.py", "b.py", "abc.log", "a b", "A", "a-b", "a]", "[a", "#a", "!a", "a ", "0",
    "ü", "a*b", "a\\b", "x/a", "x/b.py", "x/y/a", "x/y/b.py", "x/y/z/a.log", "a/x", "a/b/c",
    "ab/a.py", "y/x/a", "y/ab", "aaa/bbb", "aaa/b/bb", "dir/.hidden", ".hidden",
)  # fmt: skip
"""Of the files; some are folders in one tree and files in another."""

_SIGNS = ("a", "b", "x", "y", "aa", ".py", ".", "*", "*", "?", "**", "/", "/", "-", " ", "é", "ü")
_BRACKETS = (
    "[ab]", "[!a]", "[^b]", "[a-x]", "[]a]", "[[:alpha:]]", "[![:digit:]]", "[[:nosuch:]]", "[a",
    "[\\]a]", "[a-]", "[x-a]", "[[:upper:]0]", "[[:alpha]", "[/]", "[a/b]", "[--a]", "[[:punct:]]",
)  # fmt: skip
_ESCAPED = ("\\a", "\\*", "\\#", "\\!", "\\ ", "\\", "\\\\", "\\[", "\\/")
_WHOLE = (
    "*", "/*", "**", "/**", "**/", "a/**", "**/a", "x/**/a", "**/b.py", "!a", "!*/", "*.py",
    "!*.py", "/a", "a/", "x/", "/x/y", "x/y/", "a/b", "*/a", "*/*/a", "#a", "", " ", "!", "/", "//",
    "a//b", "x/y/z",
    "a**", "**a", "a**/b", "***", "x/***/a", "/**/a/**", "x*/**", "**/**/a", "*a*a", "!x", "!x/y/a",
    "\ufeffa", "a\r", "a  ", "a\\ ", "x\\/a", "?", "??", "[", "]", "a/**/", "**/x/**/a", "x**/*a",
)  # fmt: skip


def ignore_file(random: Random) -> bytes:
    """Return an ignore file of one to five lines."""
    return "\n".join(_line(random) for _ in range(random.randint(1, 5))).encode() + b"\n"


def _line(random: Random) -> str:
    if random.random() < 0.4:
        return random.choice(_WHOLE)
    signs = [_sign(random) for _ in range(random.randint(1, 5))]
    return random.choice(("", "", "!", "/", "**/")) + "".join(signs) + random.choice(("", "", "/"))


def _sign(random: Random) -> str:
    kind = random.random()
    return random.choice(_SIGNS if kind < 0.75 else _BRACKETS if kind < 0.9 else _ESCAPED)
