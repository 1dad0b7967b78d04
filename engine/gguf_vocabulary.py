"""The vocabulary inside a GGUF file, rebuilt as a tokenizer of the `tokenizers` library.

Two kinds: byte-level BPE (``gpt2``), whose text is first cut by the rules that
``tokenizer.ggml.pre`` names, and SentencePiece-style BPE with byte fallback (``llama``).  Reads
metadata only; knows no prompt and no family.  Ids are those that llama.cpp gives.

Source:
    llama.cpp, ``llama-vocab.cpp``: the expressions by pre-tokenizer, the order of merges, the
    kinds of tokens and which of them are matched in plain text.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from tokenizers import AddedToken, Regex, Tokenizer, decoders, normalizers, pre_tokenizers
from tokenizers.models import BPE

from engine.byte_letters import byte_of_letter
from engine.errors import ModelError
from engine.model.formats.gguf import GgufFile, Strings
from engine.token_roles import CONTROL_LOOKING, FIM_ROLES, TokenRoles

__all__ = ["PRE_TOKENIZERS", "GgufVocabulary", "read_vocabulary"]

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = range(1, 7)
"""Kinds of tokens, as ``tokenizer.ggml.token_type`` numbers them."""

Kinds = NDArray[np.int64]

_CONTRACTIONS = "'s|'t|'re|'ve|'m|'ll|'d"
_ANY_CASE = "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"
_WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+"
_SIGNS = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
_GPT2 = rf"{_CONTRACTIONS}| ?\p{{L}}+| ?\p{{N}}+| ?[^\s\p{{L}}\p{{N}}]+|\s+(?!\S)|\s+"
_DIGIT_THEN_GPT2 = (r"\p{N}", _GPT2)
_LLAMA3 = (rf"(?:{_ANY_CASE})|{_WORDS}|\p{{N}}{{1,3}}|{_SIGNS}",)
_QWEN2 = (rf"(?:{_ANY_CASE})|{_WORDS}|\p{{N}}|{_SIGNS}",)

PRE_TOKENIZERS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "gpt-2": (_GPT2,),
        "llama-bpe": _LLAMA3,
        "llama3": _LLAMA3,
        "qwen2": _QWEN2,
        "deepseek-r1-qwen": _QWEN2,
        "smollm": _DIGIT_THEN_GPT2,
        "starcoder": _DIGIT_THEN_GPT2,
        "refact": _DIGIT_THEN_GPT2,
        "command-r": _DIGIT_THEN_GPT2,
        "codeshell": _DIGIT_THEN_GPT2,
    }
)
"""By the name in ``tokenizer.ggml.pre``: expressions that cut the text, one after the other."""


@dataclass(frozen=True, slots=True)
class GgufVocabulary:
    """A file's vocabulary."""

    backend: Tokenizer
    contents: tuple[bytes, ...]
    """The bytes of every token by id; a control token has none."""
    roles: TokenRoles


def read_vocabulary(file: GgufFile) -> GgufVocabulary:
    """Return the tokenizer that a file describes.

    Raises:
        ModelError: The file has no vocabulary, or one of a kind that is not read; the message
            names the kind and lists those that are.
    """
    source = _Source(file)
    kind = source.text("tokenizer.ggml.model")
    build = _KINDS.get(kind)
    if build is None:
        raise ModelError(
            f"{file.path}: vocabulary of kind {kind!r}; supported: {', '.join(_KINDS)}"
        )
    pieces = tuple(source.strings("tokenizer.ggml.tokens").texts())
    kinds = source.kinds(len(pieces))
    try:
        backend = build(source, pieces, kinds)
    except ModelError:
        raise
    except Exception as error:  # the library raises Exception itself
        raise ModelError(f"{file.path}: its vocabulary makes no tokenizer: {error}") from error
    control = _control(pieces, kinds)
    _add_tokens(backend, pieces, kinds, control)
    contents = _contents(kind, pieces, kinds, control)
    return GgufVocabulary(backend, contents, _roles(source, kind, len(pieces)))


def _kind_of(value: object) -> str:
    if isinstance(value, np.ndarray | Strings):
        texts = isinstance(value, Strings)
        return f"an array of {len(value)} {'texts' if texts else 'numbers'}"
    return {str: "a text", bool: "true or false"}.get(type(value), "a number")


class _Source:
    """A file's metadata, each value asked for by key and kind."""

    def __init__(self, file: GgufFile) -> None:
        self.file = file

    def _missing(self, key: str, kind: str) -> ModelError:
        found = self.file.metadata.get(key)
        said = "is missing" if found is None else f"is {_kind_of(found)}, not {kind}"
        return ModelError(f"{self.file.path}: metadata {key!r} {said}; the vocabulary needs it")

    def text(self, key: str, default: str | None = None) -> str:
        value = self.file.metadata.get(key, default)
        if not isinstance(value, str):
            raise self._missing(key, "a text")
        return value

    def strings(self, key: str) -> Strings:
        value = self.file.metadata.get(key)
        if not isinstance(value, Strings):
            raise self._missing(key, "an array of texts")
        return value

    def floats(self, key: str, count: int) -> list[float]:
        value = self.file.metadata.get(key)
        if not isinstance(value, np.ndarray) or value.shape != (count,):
            raise self._missing(key, f"an array of {count} numbers")
        return [float(number) for number in value.tolist()]

    def kinds(self, count: int) -> Kinds:
        value = self.file.metadata.get("tokenizer.ggml.token_type")
        if value is None:
            return np.full(count, NORMAL)
        if not isinstance(value, np.ndarray) or value.shape != (count,):
            raise self._missing("tokenizer.ggml.token_type", f"an array of {count} numbers")
        return value.astype(np.int64)

    def token(self, key: str, count: int) -> int | None:
        """Return a token's id, None where the file names none or one beyond the vocabulary."""
        value = self.file.metadata.get(key)
        valid = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < count
        return int(str(value)) if valid else None

    def truth(self, key: str, *, default: bool) -> bool:
        value = self.file.metadata.get(key, default)
        return value if isinstance(value, bool) else default


# ── byte-level BPE ──────────────────────────────────────────────────────────────────────────


def _byte_level(source: _Source, pieces: tuple[str, ...], kinds: Kinds) -> Tokenizer:
    pre = source.text("tokenizer.ggml.pre", "default")
    expressions = PRE_TOKENIZERS.get(pre)
    if expressions is None:
        raise ModelError(
            f"{source.file.path}: pre-tokenizer {pre!r}; supported: {', '.join(PRE_TOKENIZERS)}"
        )
    merges = _merges(source)
    backend = Tokenizer(
        BPE(vocab=_ids(pieces), merges=merges, ignore_merges=pre.startswith("llama"))
    )
    backend.pre_tokenizer = pre_tokenizers.Sequence(
        [
            *(pre_tokenizers.Split(Regex(cut), "isolated") for cut in expressions),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    backend.decoder = decoders.ByteLevel()
    return backend


def _merges(source: _Source) -> list[tuple[str, str]]:
    lines = source.strings("tokenizer.ggml.merges").texts()
    pairs = [(left, right) for left, _, right in (line.partition(" ") for line in lines)]
    for line, (left, right) in zip(lines, pairs, strict=True):
        if not (left and right):
            raise ModelError(f"{source.file.path}: {line!r} is no merge of two pieces")
    return pairs


# ── SentencePiece-style BPE ─────────────────────────────────────────────────────────────────


def _sentence_piece(source: _Source, pieces: tuple[str, ...], kinds: Kinds) -> Tokenizer:
    scores = source.floats("tokenizer.ggml.scores", len(pieces))
    unknown = source.token("tokenizer.ggml.unknown_token_id", len(pieces))
    backend = Tokenizer(
        BPE(
            vocab=_ids(pieces),
            merges=_merges_by_score(pieces, kinds, scores),
            unk_token=None if unknown is None else pieces[unknown],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    # The space in front of a whole text is `Tokenizer`'s to add: parts of a prompt have none.
    backend.normalizer = normalizers.Replace(" ", "▁")
    backend.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    return backend


def _merges_by_score(
    pieces: tuple[str, ...], kinds: Kinds, scores: list[float]
) -> list[tuple[str, str]]:
    """Return every way to make a piece of two others, the piece of the highest score first."""
    ids = {pieces[i]: i for i in _of_kind(kinds, NORMAL, USER_DEFINED, UNUSED)}
    made: list[int] = []
    lefts: list[int] = []
    rights: list[int] = []
    for piece, i in ids.items():  # a million cuts: nothing is made for those that lead nowhere
        for cut in range(1, len(piece)):
            left = ids.get(piece[:cut])
            if left is not None and (right := ids.get(piece[cut:])) is not None:
                made.append(i)
                lefts.append(left)
                rights.append(right)
    ranks = -np.array(scores)[np.array(made, np.int64)]
    order = np.lexsort((np.array(rights), np.array(lefts), ranks))
    return [(pieces[lefts[at]], pieces[rights[at]]) for at in order.tolist()]


_KINDS = {"gpt2": _byte_level, "llama": _sentence_piece}


# ── roles ───────────────────────────────────────────────────────────────────────────────────


def _roles(source: _Source, kind: str, count: int) -> TokenRoles:
    """Return the tokens that the file names by key, with llama.cpp's defaults."""
    pieced = kind == "llama"
    by_default = pieced or source.text("tokenizer.ggml.pre", "default") in ("llama3", "llama-bpe")
    begin = source.token("tokenizer.ggml.bos_token_id", count)
    begins = source.truth("tokenizer.ggml.add_bos_token", default=by_default)
    named = [(role, name) for role, names in FIM_ROLES.items() for name in reversed(names)]
    parts: dict[str, int] = {}
    for role, name in named:  # the key that counts first comes last
        i = source.token(f"tokenizer.ggml.{name}_token_id", count)
        if i is not None:
            parts[role] = i
    return TokenRoles(
        start=(begin,) if begins and begin is not None else (),
        end=source.token("tokenizer.ggml.eos_token_id", count),
        parts=parts,
        space_first=pieced and source.truth("tokenizer.ggml.add_space_prefix", default=True),
    )


# ── what tokens stand for ───────────────────────────────────────────────────────────────────


def _contents(
    vocabulary: str, pieces: tuple[str, ...], kinds: Kinds, control: set[int]
) -> tuple[bytes, ...]:
    """Return the bytes of every token."""
    contents = _all_spelled(pieces) if vocabulary == "gpt2" else _all_spaced(pieces)
    for i in _of_kind(kinds, BYTE):
        contents[i] = _byte(pieces[i])
    for i in _of_kind(kinds, USER_DEFINED):
        contents[i] = pieces[i].encode()
    for i in control:
        contents[i] = b""
    return tuple(contents)


def _all_spaced(pieces: tuple[str, ...]) -> list[bytes]:
    return [piece.replace("▁", " ").encode() for piece in pieces]


def _all_spelled(pieces: tuple[str, ...]) -> list[bytes]:
    """Return `_spelled` of every piece: of all letters at once, unless one stands for no byte."""
    byte_of = _bytes_by_letter()
    together = _spelled("".join(pieces), byte_of)
    ends = list(accumulate(map(len, pieces)))
    if ends and ends[-1] != len(together):
        return [_spelled(piece, byte_of) for piece in pieces]
    return [together[start:end] for start, end in zip([0, *ends], ends, strict=False)]


def _bytes_by_letter() -> dict[int, int | None]:
    """Return the table with which `str.translate` turns letters into bytes: others are left out."""
    others: dict[int, int | None] = dict.fromkeys(range(256))
    return others | {ord(letter): byte for letter, byte in byte_of_letter().items()}


def _spelled(piece: str, byte_of: dict[int, int | None]) -> bytes:
    """Return the bytes that a piece's letters stand for."""
    return piece.translate(byte_of).encode("latin-1", "ignore")


def _byte(piece: str) -> bytes:
    """Return the byte of a piece such as ``<0x0A>``; a piece of another form stands for itself."""
    match = re.fullmatch(r"<0x([0-9A-Fa-f]{2})>", piece)
    return bytes.fromhex(match[1]) if match else piece.encode()


# ── tokens that are matched whole ───────────────────────────────────────────────────────────


def _ids(pieces: Iterable[str]) -> dict[str, int]:
    return {piece: i for i, piece in enumerate(pieces)}


def _of_kind(kinds: Kinds, *wanted: int) -> list[int]:
    """Return, ascending, the ids of tokens of some kinds."""
    found: list[int] = np.flatnonzero(np.isin(kinds, wanted)).tolist()
    return found


def _control(pieces: tuple[str, ...], kinds: Kinds) -> set[int]:
    marked = _of_kind(kinds, CONTROL, UNKNOWN)
    return {*marked} | {i for i, piece in enumerate(pieces) if piece in CONTROL_LOOKING}


def _add_tokens(
    backend: Tokenizer, pieces: tuple[str, ...], kinds: Kinds, control: set[int]
) -> None:
    """Register control tokens, which text never gives, and pieces that are matched whole."""
    added = [
        AddedToken(pieces[i], special=i in control, normalized=False)
        for i in sorted({*_of_kind(kinds, USER_DEFINED), *control})
    ]
    backend.add_tokens(added)
