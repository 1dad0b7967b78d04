"""Tells the language of a file by its name, and the comment sign of a language.

The names of languages are those of the grammars that ``textual[syntax]`` installs.
"""

from pathlib import PurePath

__all__ = ["CODE_SUFFIXES", "comment_sign", "file_type", "language_of"]

_BY_SUFFIX = {
    ".py": "python",
    ".pyi": "python",
    ".pyw": "python",
    ".md": "markdown",
    ".markdown": "markdown",
    ".json": "json",
    ".toml": "toml",
    ".yaml": "yaml",
    ".yml": "yaml",
    ".html": "html",
    ".htm": "html",
    ".css": "css",
    ".js": "javascript",
    ".mjs": "javascript",
    ".cjs": "javascript",
    ".jsx": "javascript",
    ".rs": "rust",
    ".go": "go",
    ".sql": "sql",
    ".java": "java",
    ".sh": "bash",
    ".bash": "bash",
    ".zsh": "bash",
    ".xml": "xml",
    ".svg": "xml",
}

CODE_SUFFIXES = frozenset(
    {*_BY_SUFFIX, ".c", ".cc", ".cpp", ".cs", ".go", ".h", ".hpp", ".kt", ".lua", ".php", ".rb"}
    | {".swift", ".ts", ".tsx", ".vue", ".zig"}
) - {".json", ".svg", ".xml"}
"""Endings of the files that people write by hand: what a person looks for among many others."""

_BY_NAME = {
    "Pipfile": "toml",
    "uv.lock": "toml",
    "poetry.lock": "toml",
    "SConstruct": "python",
    "SConscript": "python",
    ".bashrc": "bash",
    ".bash_profile": "bash",
    ".profile": "bash",
    ".zshrc": "bash",
}

_COMMENT_SIGNS = {
    "python": "#",
    "toml": "#",
    "yaml": "#",
    "bash": "#",
    "javascript": "//",
    "rust": "//",
    "go": "//",
    "java": "//",
    "sql": "--",
}

_BLOCK_COMMENTS = {
    "css": ("/*", "*/"),
    "html": ("<!--", "-->"),
    "markdown": ("<!--", "-->"),
    "xml": ("<!--", "-->"),
}

_SLASH_SUFFIXES = frozenset(
    {".c", ".cc", ".cpp", ".cs", ".h", ".hpp", ".kt", ".php", ".swift", ".ts", ".tsx", ".zig"}
)
"""Endings of languages without a grammar here whose comments begin with ``//``."""


def language_of(path: str | PurePath, first_line: str = "") -> str | None:
    """Return the language of the file at ``path``, or None if its name tells nothing.

    Args:
        path: Only its last part counts.
        first_line: A ``#!`` line decides for files without a telling name.

    Example:
        >>> language_of("src/decoder.py")
        'python'
        >>> language_of("tool", "#!/usr/bin/env python3")
        'python'
    """
    name = PurePath(path).name
    known = _BY_NAME.get(name) or _BY_SUFFIX.get(PurePath(name).suffix.lower())
    if known is None and first_line.startswith("#!"):
        program = first_line.rsplit("/", 1)[-1]
        if "python" in program:
            return "python"
        if program.split(" ")[-1].rstrip() in {"sh", "bash", "zsh", "dash"}:
            return "bash"
    return known


def comment_signs(language: str | None, suffix: str = "") -> tuple[str, str] | None:
    """Return what stands before and after the code in a line that is a comment.

    Args:
        language: As of `language_of`.
        suffix: The file's ending, which tells the signs where the language is not known.

    Returns:
        The second is empty where a comment ends with its line.  None: there are no comments.

    Example:
        >>> comment_signs("css"), comment_signs(None, ".ts")
        (('/*', '*/'), ('//', ''))
    """
    if language is None:
        signs = {".lua": "--", **dict.fromkeys(_SLASH_SUFFIXES, "//")}
        return signs.get(suffix.lower(), "#"), ""
    sign = _COMMENT_SIGNS.get(language)
    return (sign, "") if sign else _BLOCK_COMMENTS.get(language)


def comment_sign(language: str | None) -> str | None:
    """Return what starts a comment to the end of the line; None if the language has no such sign.

    A file in no known language (a configuration file, a Makefile) gets ``#``.
    """
    return "#" if language is None else _COMMENT_SIGNS.get(language)


def file_type(path: PurePath) -> str:
    """Return a file's ending if it is one of code or text we know, else ``"other"``.

    Example:
        >>> file_type(PurePath("a/b.py")), file_type(PurePath("notes.2024"))
        ('py', 'other')
    """
    suffix = path.suffix.lower()
    known = suffix in CODE_SUFFIXES or suffix in _BY_SUFFIX
    return suffix.removeprefix(".") if known else "other"
