"""The symbols that a text defines, found by queries over its syntax tree; nothing is run."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from tree_sitter import Node, Parser, Query, QueryCursor, QueryError

from tui.code.highlights import grammar

__all__ = ["SYMBOL_LANGUAGES", "Symbol", "symbols_of"]

_MAX_BYTES = 4_000_000
_MAX_NAME = 200

_QUERIES: Mapping[str, str] = {
    "python": """
        (class_definition name: (identifier) @class)
        (function_definition name: (identifier) @function)
        (module (expression_statement (assignment left: (identifier) @variable)))
    """,
    "javascript": """
        (class_declaration name: (identifier) @class)
        (function_declaration name: (identifier) @function)
        (generator_function_declaration name: (identifier) @function)
        (method_definition name: (property_identifier) @method)
        (variable_declarator name: (identifier) @function
            value: [(arrow_function) (function_expression)])
    """,
    "rust": """
        (function_item name: (identifier) @function)
        (struct_item name: (type_identifier) @struct)
        (enum_item name: (type_identifier) @enum)
        (trait_item name: (type_identifier) @trait)
        (type_item name: (type_identifier) @type)
        (impl_item type: (_) @impl)
        (mod_item name: (identifier) @module)
        (macro_definition name: (identifier) @macro)
        (const_item name: (identifier) @constant)
        (static_item name: (identifier) @constant)
    """,
    "go": """
        (function_declaration name: (identifier) @function)
        (method_declaration name: (field_identifier) @method)
        (type_spec name: (type_identifier) @type)
        (const_spec name: (identifier) @constant)
    """,
    "java": """
        (class_declaration name: (identifier) @class)
        (interface_declaration name: (identifier) @interface)
        (enum_declaration name: (identifier) @enum)
        (record_declaration name: (identifier) @class)
        (method_declaration name: (identifier) @method)
        (constructor_declaration name: (identifier) @constructor)
    """,
    "bash": "(function_definition name: (word) @function)",
    "css": "(rule_set (selectors) @rule)",
    "markdown": """
        (atx_heading (inline) @heading)
        (setext_heading heading_content: (_) @heading)
    """,
    "toml": """
        (table (bare_key) @table)
        (table (dotted_key) @table)
        (table_array_element (_) @table)
    """,
    "yaml": """
        (document (block_node (block_mapping (block_mapping_pair key: (_) @key))))
    """,
    "json": "(document (object (pair key: (string) @key)))",
}

SYMBOL_LANGUAGES = frozenset(_QUERIES)
"""The languages whose symbols are known."""


@dataclass(frozen=True, slots=True)
class Symbol:
    """Something that a text defines."""

    name: str
    kind: str
    row: int
    column: int
    depth: int
    """How many other symbols of the text it lies in."""


def symbols_of(text: str, language: str) -> list[Symbol]:
    """Return the symbols of a text in their order; none for a language or a size that is not known.

    Blocks for some milliseconds a thousand lines.
    """
    known, data = grammar(language), text.encode("utf-8", "replace")
    query = _query(language)
    if known is None or query is None or len(data) > _MAX_BYTES:
        return []
    tree = Parser(known.language).parse(data)
    found = [
        (node, kind)
        for kind, nodes in QueryCursor(query).captures(tree.root_node).items()
        for node in nodes
    ]
    found.sort(key=lambda each: each[0].start_byte)
    return _nested(data, found)


@lru_cache(maxsize=32)
def _query(language: str) -> Query | None:
    """Return the query of a language; None if there is none, or it does not fit the grammar."""
    known, text = grammar(language), _QUERIES.get(language)
    if known is None or text is None:
        return None
    try:
        return Query(known.language, text)
    except QueryError:
        return None


def _nested(data: bytes, found: list[tuple[Node, str]]) -> list[Symbol]:
    """Return symbols with their depths; a symbol lies in those whose definition is not over."""
    symbols: list[Symbol] = []
    ends: list[int] = []
    for node, kind in found:
        start, end = node.start_byte, node.end_byte
        while ends and ends[-1] <= start:
            ends.pop()
        name = data[start:end].decode("utf-8", "replace")
        row, byte = node.start_point
        column = len(data[start - byte : start].decode("utf-8", "replace"))
        symbols.append(Symbol(" ".join(name.split())[:_MAX_NAME], kind, row, column, len(ends)))
        ends.append(end if node.parent is None else node.parent.end_byte)
    return symbols
