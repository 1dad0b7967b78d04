"""A suggestion as an entry of an editor's completion list: it replaces the begun word with itself.

Editors differ in what they insert of an entry.  Most insert its text as it is.  Neovim's client
inserts a plain text up to its first white space only, and the whole of a snippet; but it indents
the lines of a snippet as the line is at which it stands.  So the text goes there as a snippet
without that indentation, and ends where such a snippet cannot give the exact text.
"""

from dataclasses import dataclass

from lsprotocol import types as lsp

from engine.server.text_positions import units

__all__ = ["ListClient", "entry_of"]

LABEL_CHARACTERS = 60
_WORD = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"


@dataclass(frozen=True, slots=True)
class ListClient:
    """What an editor does with entries."""

    encoding: str = "utf-16"
    """What characters of positions are counted in."""
    snippets: bool = False
    """Whether it takes snippets, and does not say that it can leave their indentation alone."""

    @classmethod
    def of(cls, encoding: str, said: lsp.ClientCapabilities) -> "ListClient":
        """Return what an editor says of itself."""
        completion = said.text_document and said.text_document.completion
        item = completion.completion_item if completion else None
        if item is None:
            return cls(encoding)
        return cls(encoding, bool(item.snippet_support) and item.insert_text_mode_support is None)


def entry_of(
    text: str, before: str, position: lsp.Position, client: ListClient
) -> lsp.CompletionItem:
    """Return the entry for a suggestion.

    Args:
        text: The suggestion.
        before: The document up to the cursor.
        position: The cursor.
        client: The editor.
    """
    word = before[len(before.rstrip(_WORD)) :]
    start = lsp.Position(position.line, position.character - units(word, client.encoding))
    whole = word + text
    first = whole.strip().split("\n", 1)[0]
    form = lsp.InsertTextFormat.Snippet if client.snippets else lsp.InsertTextFormat.PlainText
    new_text = _snippet(whole, before) if client.snippets else whole
    return lsp.CompletionItem(
        label=first[:LABEL_CHARACTERS],
        kind=lsp.CompletionItemKind.Text,
        detail="spark-tui",
        filter_text=whole.split("\n", 1)[0],
        insert_text_format=form,
        text_edit=lsp.TextEdit(lsp.Range(start, position), new_text),
    )


def _snippet(text: str, before: str) -> str:
    """Return a text as a snippet whose lines are indented as the cursor's line when it is taken."""
    line = before[before.rfind("\n") + 1 :]
    indentation = line[: len(line) - len(line.lstrip(" \t"))]
    first, *others = text.split("\n")
    kept = [first]
    for other in others:
        if not other.strip() or not other.startswith(indentation):
            break  # the editor would indent it all the same
        kept.append(other.removeprefix(indentation))
    return _escaped("\n".join(kept))


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("$", "\\$").replace("}", "\\}")
