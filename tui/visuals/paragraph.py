"""Breaks sentences into lines between words, for panes that draw line by line.  Pure."""

from rich.text import Text

__all__ = ["paragraph", "word_lines"]


def word_lines(words: str, width: int) -> list[str]:
    """Return a sentence in lines of ``width`` cells at most; a longer word has its own line."""
    lines = [""]
    for word in words.split():
        if len(lines[-1]) + len(word) + 1 > width and lines[-1]:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def paragraph(words: str, width: int, ink: str) -> list[Text]:
    """Return a sentence in coloured lines."""
    return [Text(line, style=ink, end="", no_wrap=True) for line in word_lines(words, width)]
