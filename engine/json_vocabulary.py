"""The vocabulary in a model folder's ``tokenizer.json``, made ready for the `tokenizers` library.

Two kinds: byte-level BPE, and SentencePiece-style BPE with byte fallback.  The description is
changed so that a text keeps its bytes: nothing is normalised (Qwen's would compose accents) and no
space is put in front, which `engine.tokenizer` does where a text begins.  Tokens that are control
tokens by their looks are made so, as in llama.cpp: Qwen's file calls its fill-in-the-middle tokens
plain.  Knows no prompt and no family.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.byte_letters import byte_of_letter
from engine.errors import ModelError
from engine.plain_files import read_plain
from engine.token_roles import CONTROL_LOOKING, TokenRoles

if TYPE_CHECKING:
    from tokenizers import Tokenizer as Backend

__all__ = ["JsonVocabulary", "contents_of", "read_json_vocabulary"]

_LARGEST_FILE = 1 << 28
"""Bytes; the largest vocabularies have a seventh of it."""
_SPACE = "▁"
_PREFIXING = ("first", "always")
"""Ways to put a space in front of a text, as ``Metaspace`` names them."""


@dataclass(frozen=True, slots=True)
class JsonVocabulary:
    """A folder's vocabulary."""

    backend: "Backend"
    contents: list[bytes]
    """The bytes of every token by id; a control token has none."""
    roles: TokenRoles


def read_json_vocabulary(path: Path) -> JsonVocabulary:
    """Return the tokenizer that a ``tokenizer.json`` describes.

    Raises:
        ModelError: The file is missing or malformed, or of a kind that is not read.
    """
    from tokenizers import Tokenizer as Backend

    try:
        text = read_plain(path, _LARGEST_FILE).decode("utf-8")
    except OSError as error:
        raise ModelError(
            f"cannot read {path}: {error.strerror}; the model folder needs it"
        ) from error
    except UnicodeDecodeError as error:
        raise ModelError(f"cannot read {path}: {error}; the model folder needs it") from error
    description, pieced = _description(path, text)
    space_first = pieced and _begins_with_space(description)
    changed = _exact(description, pieced=pieced)
    try:
        backend = Backend.from_str(json.dumps(description) if changed else text)
    except Exception as error:  # the library raises plain Exception
        raise ModelError(f"{path} is not a tokenizer: {error}") from error
    largest = max(backend.get_vocab(with_added_tokens=True).values(), default=0)
    if largest > len(text):  # the table of bytes would be larger than the file
        raise ModelError(f"{path}: a token has the id {largest}, far beyond their number")
    contents = contents_of(backend, pieced=pieced)
    return JsonVocabulary(backend, contents, TokenRoles(_start(backend), space_first=space_first))


def contents_of(backend: "Backend", *, pieced: bool = False) -> list[bytes]:
    """Return the bytes of every token by id; a control token has none.

    Args:
        backend: A tokenizer of the library.
        pieced: Whether its tokens are SentencePiece's, and not letters that stand for bytes.
    """
    added = backend.get_added_tokens_decoder()
    vocabulary = backend.get_vocab(with_added_tokens=True)
    contents = [b""] * (max(vocabulary.values(), default=-1) + 1)
    spelled = _piece if pieced else _letters()
    for token, i in vocabulary.items():
        if i not in added:
            contents[i] = spelled(token)
        elif not added[i].special:
            contents[i] = token.encode()
    return contents


def _letters() -> Any:
    """Return the function from a token's letters to the bytes they stand for."""
    byte_of = byte_of_letter()
    return lambda token: bytes(byte_of[letter] for letter in token if letter in byte_of)


def _piece(token: str) -> bytes:
    """Return the bytes of a piece, which may be one byte such as ``<0x0A>``."""
    match = re.fullmatch(r"<0x([0-9A-Fa-f]{2})>", token)
    return bytes.fromhex(match[1]) if match else token.replace(_SPACE, " ").encode()


# ── the description ─────────────────────────────────────────────────────────────────────────


def _description(path: Path, text: str) -> tuple[dict[str, Any], bool]:
    """Return the parsed file, and whether its tokens are SentencePiece's.

    Raises:
        ModelError: It describes no tokenizer, or one of another kind.
    """
    try:
        description = json.loads(text)
        model, decoder = description["model"], json.dumps(description["decoder"])
        kind, fallback = model["type"], model.get("byte_fallback", False)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelError(f"{path} is not a tokenizer description: {error}") from error
    if kind == "BPE" and '"ByteLevel"' in decoder:
        return description, False
    if kind == "BPE" and fallback and '"ByteFallback"' in decoder:
        return description, True
    raise ModelError(
        f"{path} is a {kind} tokenizer; supported: byte-level BPE, BPE with byte fallback"
    )


def _begins_with_space(description: Mapping[str, Any]) -> bool:
    prepends = '"Prepend"' in json.dumps(description.get("normalizer"))
    cutter = description.get("pre_tokenizer") or {}
    return prepends or cutter.get("prepend_scheme") in _PREFIXING


def _exact(description: dict[str, Any], *, pieced: bool) -> bool:
    """Change a description so that a text keeps its bytes; return whether it had to be."""
    before = description.get("normalizer"), description.get("pre_tokenizer")
    if pieced:
        description["pre_tokenizer"] = None
        description["normalizer"] = {
            "type": "Replace",
            "pattern": {"String": " "},
            "content": _SPACE,
        }
    else:
        description["normalizer"] = None
    changed = before != (description["normalizer"], description.get("pre_tokenizer"))
    for token in description.get("added_tokens") or []:
        if token.get("content") in CONTROL_LOOKING and not token.get("special"):
            token["special"] = changed = True
    return changed


def _start(backend: "Backend") -> tuple[int, ...]:
    """Return the tokens that the library puts in front of a text."""
    encoding = backend.encode("a")
    pairs = zip(encoding.ids, encoding.special_tokens_mask, strict=True)
    return tuple(i for i, _ in takewhile(lambda pair: pair[1], pairs))
