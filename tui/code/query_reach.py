"""How far a change in a syntax tree reaches: the largest pattern of a query that it can touch.

Reads the text of a query for which kinds of nodes its patterns hold in which.  Exact in one
direction: what lies outside the node that is found is captured as before.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import chain

from tree_sitter import Language, Node

__all__ = ["largest_pattern"]

_TOKENS = re.compile(r';[^\n]*|"(?:\\.|[^"\\])*"|[()\[\]]|[^\s()\[\]";]+')
_ANY = "_"

Links = frozenset[tuple[str, str]]
"""A kind of node, and the kind of node in which a pattern asks for it."""


@lru_cache(maxsize=32)
def _shape(query: str, language: Language) -> tuple[frozenset[str], Links]:
    """Return the kinds that patterns begin with, and what they ask for in what."""
    roots: set[str] = set()
    links: set[tuple[str, str]] = set()
    wider = {language.node_kind_for_id(each): each for each in language.supertypes}

    def kinds(name: str) -> list[str]:
        name = name.rpartition("/")[2]
        narrower = language.subtypes(wider[name]) if name in wider else ()
        return [name, *(language.node_kind_for_id(each) or name for each in narrower)]

    for child, parent in _pairs(query):
        if parent is None:
            roots.update(kinds(child))
        else:
            links.update((one, other) for one in kinds(child) for other in kinds(parent))
    return frozenset(roots), frozenset(links)


@dataclass
class _Asked:
    """A part of a query: a node of a kind, or a group (None), or alternatives (``[``)."""

    kind: str | None
    parts: "list[_Asked]" = field(default_factory=list)


def _pairs(query: str) -> Iterator[tuple[str, str | None]]:
    """Yield each kind of node that a pattern asks for, and in which; None: it begins there."""
    for pattern in _parts(iter(_tokens(query))):
        yield from _pairs_of(pattern, None)


def _pairs_of(asked: _Asked, parent: str | None) -> Iterator[tuple[str, str | None]]:
    inside = parent
    if asked.kind is None and parent is None and len(asked.parts) > 1:
        inside = _ANY  # nodes beside each other: in whatever holds them
        yield _ANY, None
    elif asked.kind not in (None, "["):
        assert asked.kind is not None
        inside = asked.kind
        yield asked.kind, parent
    for part in asked.parts:
        yield from _pairs_of(part, inside)


def _parts(tokens: Iterator[str]) -> list[_Asked]:
    """Return what is asked for up to the next closing bracket, or to the end."""
    parts = []
    for token in tokens:
        if token == "(":
            parts.append(_node(tokens))
        elif token == "[":
            parts.append(_Asked("[", _parts(tokens)))
        elif token in ")]":
            break
        elif token[0] == '"':
            parts.append(_Asked(token[1:-1].replace('\\"', '"')))
        elif token == ".":
            # What is beside decides; that of a first node is in the row of the change itself.
            parts += [_Asked(_ANY)] if parts else []
        elif token == _ANY or token[0] == "!":
            parts.append(_Asked(_ANY))  # what stands there, of whatever kind, decides
    return [part for part in parts if part.kind != "#"]


def _node(tokens: Iterator[str]) -> _Asked:
    """Return what a bracket that was opened holds; a predicate as one of kind ``#``."""
    first = next(tokens)
    if first.startswith("#"):
        _parts(tokens)
        return _Asked("#")
    if first[0] not in '([")':
        return _Asked(first, _parts(tokens))
    return _Asked(None, _parts(chain([first], tokens)))


def _tokens(query: str) -> list[str]:
    return [token for token in _TOKENS.findall(query) if not token.startswith(";")]


def largest_pattern(node: Node, query: str, language: Language) -> Node | None:
    """Return the largest node that a pattern which asks about ``node`` can begin at, or None.

    A pattern names every node from where it begins down to what it asks about.

    Args:
        node: The smallest node around a change.
        query: The text of the query.
        language: The grammar of the tree.
    """
    roots, links = _shape(query, language)
    found: Node | None = None
    at: Node | None = node
    while at is not None:
        if at.type in roots or _ANY in roots:
            found = at
        above = at.parent
        if above is None or not _linked(at.type, above.type, links):
            break
        at = above
    return found


def _linked(child: str, parent: str, links: Links) -> bool:
    return any((one, other) in links for one in (child, _ANY) for other in (parent, _ANY))
