"""How an answer's Markdown is read: no links, no pictures, no HTML; all of it stays text.

What a model writes may be anything, so nothing in it opens, fetches or runs.
"""

from markdown_it import MarkdownIt

from engine.visible_text import visible

__all__ = ["answer_parser", "shown_markdown"]


def answer_parser() -> MarkdownIt:
    """Return a parser of CommonMark with tables."""
    parser = MarkdownIt("commonmark", {"html": False, "linkify": False})
    return parser.enable("table").disable(
        ["link", "image", "autolink", "html_block", "html_inline", "reference"]
    )


def shown_markdown(text: str) -> str:
    """Return an answer without characters that would steer a terminal."""
    return visible(text, kept="\n\t")
