"""What the rules need to know of a language, told by a file's name.  Pure data.

Python is parsed (`engine.completion.code.syntax`); of other languages only a few signs and words
matter.  A file of an unknown kind has none of them.
"""

from dataclasses import dataclass
from pathlib import PurePosixPath

from engine.completion.code.brackets import TRIPLE_QUOTES, open_brackets

__all__ = ["UNKNOWN", "Language", "language_of"]


@dataclass(frozen=True, slots=True)
class Language:
    """Signs and words of one family of languages."""

    comments: tuple[str, ...] = ()
    """Begin a comment."""
    block: tuple[str, str] | None = None
    """Begin and end a comment of several lines."""
    closing_words: tuple[str, ...] = ()
    """Words that end a block where others have a bracket; they stand alone on a line."""
    docstrings: tuple[str, ...] = ()
    """Begin and end a string of several lines, which documents code where it is a statement."""
    jumps: tuple[str, ...] = ()
    """Words that begin a statement behind which nothing of its block runs."""

    def inside_prose(self, code: str) -> bool:
        """Return whether ``code`` ends inside a comment or a string of several lines."""
        if any(code.count(quote) % 2 for quote in self.docstrings):
            return True
        if self.block is None:
            return False
        start, end = self.block
        return code.rfind(start) > code.rfind(end)

    def remarks(self, code: str) -> tuple[str, ...]:
        """Return what begins a comment or docstring behind ``code``; nothing inside of one."""
        if self.inside_prose(code):
            return ()
        documents = self.docstrings and not open_brackets(code)
        return self.comments + (self.docstrings if documents else ())


UNKNOWN = Language()
"""That of a file whose name tells nothing."""

_HASH = Language(("#",))
_PYTHON = Language(("#",), docstrings=TRIPLE_QUOTES, jumps=("return", "raise", "break", "continue"))
_SHELL = Language(("#",), closing_words=("fi", "done", "esac"))
_RUBY = Language(("#",), closing_words=("end",))
_SLASHES = Language(("//", "/*"), ("/*", "*/"))
_SQL = Language(("--", "/*"), ("/*", "*/"), ("end",))
_LUA = Language(("--",), ("--[[", "]]"), ("end",))
_HASKELL = Language(("--", "{-"), ("{-", "-}"))
_STYLES = Language(("/*",), ("/*", "*/"))
_MARKUP = Language(("<!--",), ("<!--", "-->"))

_SUFFIXES = {
    ".py .pyi .pyw": _PYTHON,
    ".toml .yaml .yml .r .pl .nim .cmake .mk .graphql .tf": _HASH,
    ".sh .bash .zsh": _SHELL,
    ".rb .jl .ex .exs": _RUBY,
    ".c .cc .cpp .cxx .h .hh .hpp .cs .go .java .js .jsx .mjs .cjs .ts .tsx .kt .kts .swift .rs "
    ".scala .php .dart .zig .proto .groovy .scss .vue .svelte": _SLASHES,
    ".sql": _SQL,
    ".lua": _LUA,
    ".hs .elm": _HASKELL,
    ".css": _STYLES,
    ".html .htm .xml .svg": _MARKUP,
}
_BY_SUFFIX = {suffix: kind for names, kind in _SUFFIXES.items() for suffix in names.split()}
_BY_NAME = {"makefile": _HASH, "dockerfile": _HASH, "cmakelists.txt": _HASH, "gemfile": _RUBY}


def language_of(path: str) -> Language:
    """Return the language of a file, judged by its name."""
    name = PurePosixPath(path).name.lower()
    return _BY_NAME.get(name) or _BY_SUFFIX.get(PurePosixPath(name).suffix, UNKNOWN)
