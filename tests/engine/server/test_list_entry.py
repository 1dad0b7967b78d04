"""Entries of a completion list: what an editor shows, filters by and inserts."""

from lsprotocol import types as lsp

from engine.server.list_entry import ListClient, entry_of

PLAIN = ListClient()
SNIPPETS = ListClient(snippets=True)
BEFORE = "def f():\n    𝄞re"


def inserted(text, client, before=BEFORE):
    return entry_of(text, before, lsp.Position(1, 8), client).text_edit.new_text


def says(item):
    completion = lsp.CompletionClientCapabilities(completion_item=item)
    said = lsp.ClientCapabilities(
        text_document=lsp.TextDocumentClientCapabilities(completion=completion)
    )
    return ListClient.of("utf-8", said)


def test_an_entry_replaces_the_word_that_is_begun():
    entry = entry_of("turn 1\n    more", BEFORE, lsp.Position(1, 8), PLAIN)
    assert (entry.label, entry.filter_text) == ("return 1", "return 1")
    assert entry.text_edit.new_text == "return 1\n    more"
    assert entry.text_edit.range.start == lsp.Position(1, 6)
    assert entry.insert_text_format is lsp.InsertTextFormat.PlainText


def test_a_snippet_stands_for_the_same_text():
    entry = entry_of('turn f"${a}\\n"', BEFORE, lsp.Position(1, 8), SNIPPETS)
    assert entry.label == 'return f"${a}\\n"'
    assert entry.text_edit.new_text == 'return f"\\${a\\}\\\\n"'
    assert entry.insert_text_format is lsp.InsertTextFormat.Snippet


def test_a_snippet_leaves_the_indentation_of_its_line_to_the_editor():
    assert inserted("turn (\n        1\n    )", SNIPPETS) == "return (\n    1\n)"
    assert inserted("1\n\t\t2", SNIPPETS, "\tx = ") == "1\n\t2"


def test_a_snippet_ends_before_a_line_that_it_could_not_give_exactly():
    assert inserted("turn 1\n    more\nx = 2", SNIPPETS) == "return 1\nmore"
    assert inserted("turn 1\n\n    more", SNIPPETS) == "return 1"


def test_an_editor_gets_snippets_where_it_would_cut_a_plain_text():
    support = lsp.ClientCompletionItemInsertTextModeOptions([lsp.InsertTextMode.AsIs])
    assert ListClient.of("utf-8", lsp.ClientCapabilities()) == ListClient("utf-8")
    assert not says(lsp.ClientCompletionItemOptions()).snippets
    assert says(lsp.ClientCompletionItemOptions(snippet_support=True)).snippets
    both = lsp.ClientCompletionItemOptions(snippet_support=True, insert_text_mode_support=support)
    assert not says(both).snippets
