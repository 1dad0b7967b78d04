"""What a model's files say of it in their heads: family, parameters, types, context.

Reads no weights.  Whether the engine runs it is asked of those who would open it.
"""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import msgspec
import numpy as np

from engine.errors import ModelError, WeightsError
from engine.model.families import read_config
from engine.model.formats.gguf import GgufFile, Strings, read_gguf
from engine.model.formats.safetensors import SUFFIX
from engine.model.gguf.configuration import read_gguf_config
from engine.model.gguf.tensors import gguf_formats
from engine.paths import model_identity
from engine.plain_files import open_plain, read_plain
from engine.token_roles import FIM_ROLES, fills_the_middle
from engine.version import __version__

__all__ = ["ModelFacts", "facts_stamp", "read_facts"]

_LONGEST_HEAD = 1 << 27
_LARGEST_FILE = 1 << 28
"""Bytes of a configuration or a vocabulary."""
_INT8_BYTES = 36 / 32
"""Bytes of a weight that becomes int8 on load: 32 levels share a float32 scale."""

_FIM_KEYS = tuple(zip(*(FIM_ROLES[role] for role in ("prefix", "suffix", "middle")), strict=True))
_NORMAL_TOKEN = 1


class ModelFacts(msgspec.Struct, frozen=True):
    """What can be told of a model without loading it."""

    family: str
    """GGUF's architecture or a configuration's ``model_type``."""
    parameters: int
    """Numbers in all tensors; a head that is stored apart counts."""
    types: dict[str, int]
    """Number of tensors by type as the files name it, the most frequent first."""
    size_bytes: int
    """Bytes of the files with weights."""
    weight_bytes: int
    """Bytes of the weights as the engine holds them: a GGUF file's own; of a folder's numbers,
    which become int8, 36 bytes for 32."""
    context: int | None
    """Positions; None if the files do not say."""
    fill_in_the_middle: bool
    """Whether the vocabulary has the three tokens of fill-in-the-middle."""
    problem: str | None
    """Why the engine does not run it; None if nothing in the heads speaks against it."""


def facts_stamp(place: Path) -> str:
    """Return a text that changes when the files that `read_facts` reads do.

    Raises:
        OSError: They cannot be looked at.
    """
    return f"{__version__} {model_identity(place)}"  # another version may run more


def read_facts(place: Path) -> ModelFacts:
    """Return what the heads of a GGUF file, or of a folder's files, say.

    Raises:
        WeightsError: A file with weights is missing, truncated or malformed.
        ModelError: The configuration is missing or malformed.
    """
    return _of_file(read_gguf(place)) if place.is_file() else _of_folder(place)


# ── GGUF ────────────────────────────────────────────────────────────────────────────────────


def _of_file(file: GgufFile) -> ModelFacts:
    family = str(file.metadata.get("general.architecture", ""))
    if not family:
        raise ModelError(f"{file.path}: names no architecture (general.architecture)")
    context = file.metadata.get(f"{family}.context_length")
    return ModelFacts(
        family=family,
        parameters=sum(math.prod(tensor.shape) for tensor in file.tensors.values()),
        types=_counted(tensor.type.name for tensor in file.tensors.values()),
        size_bytes=file.size_bytes,
        weight_bytes=file.size_bytes,
        context=context if isinstance(context, int) else None,
        fill_in_the_middle=_file_fills(file),
        problem=_why_not(lambda: gguf_formats(file, read_gguf_config(file).graph("model"))),
    )


def _why_not(opening: Callable[[], object]) -> str | None:
    """Return why a model cannot be opened."""
    try:
        opening()
    except ModelError as error:
        return str(error)
    return None


def _file_fills(file: GgufFile) -> bool:
    """Tell whether a file's vocabulary fills the middle: by its keys, or by its special tokens."""
    for names in _FIM_KEYS:
        if all(f"tokenizer.ggml.{name}_token_id" in file.metadata for name in names):
            return True
    tokens = file.metadata.get("tokenizer.ggml.tokens")
    kinds = file.metadata.get("tokenizer.ggml.token_type")
    if not isinstance(tokens, Strings) or not isinstance(kinds, np.ndarray):
        return False
    # A vocabulary has 150,000 tokens, and a few hundred that are not plain.
    special = np.flatnonzero(kinds[: len(tokens)] != _NORMAL_TOKEN)
    return _fills(tokens[number] for number in special.tolist())


def _fills(tokens: Iterable[str]) -> bool:
    return fills_the_middle(set(tokens))


def _counted(types: Iterable[str]) -> dict[str, int]:
    return dict(Counter(types).most_common())


# ── folders ─────────────────────────────────────────────────────────────────────────────────


class _AddedToken(msgspec.Struct):
    content: str


class _Vocabulary(msgspec.Struct):
    added_tokens: list[_AddedToken] = []


class _Tensor(msgspec.Struct):
    dtype: str
    shape: list[int]


def _weight_files(folder: Path) -> list[Path]:
    return sorted(folder.glob(f"*{SUFFIX}"))


def _of_folder(folder: Path) -> ModelFacts:
    config = _read_json(folder / "config.json")
    tensors = [tensor for file in _weight_files(folder) for tensor in _tensors(file)]
    parameters = sum(math.prod(tensor.shape) for tensor in tensors)
    context = config.get("max_position_embeddings")
    return ModelFacts(
        family=str(config.get("model_type", "")),
        parameters=parameters,
        types=_counted(tensor.dtype for tensor in tensors),
        size_bytes=sum(file.stat().st_size for file in _weight_files(folder)),
        weight_bytes=int(parameters * _INT8_BYTES),
        context=context if isinstance(context, int) else None,
        fill_in_the_middle=_folder_fills(folder / "tokenizer.json"),
        problem=_why_not(lambda: read_config(folder / "config.json")),
    )


def _read_json(path: Path) -> Mapping[str, object]:
    try:
        raw = msgspec.json.decode(read_plain(path, _LARGEST_FILE))
    except OSError as error:
        raise ModelError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(raw, dict):
        raise ModelError(f"{path}: no JSON object")
    return raw


def _folder_fills(path: Path) -> bool:
    """Tell whether a vocabulary fills the middle; one that cannot be read does not."""
    try:
        vocabulary = msgspec.json.decode(read_plain(path, _LARGEST_FILE), type=_Vocabulary)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return _fills(token.content for token in vocabulary.added_tokens)


def _tensors(path: Path) -> list[_Tensor]:
    """Return what the head of a safetensors file says; no byte of its tensors is read."""
    try:
        with open_plain(path) as file:
            length = int.from_bytes(file.read(8), "little")
            if length > min(_LONGEST_HEAD, path.stat().st_size - 8):
                raise WeightsError(f"{path}: its head does not fit into the file")
            head = msgspec.json.decode(file.read(length), type=dict[str, msgspec.Raw])
        head.pop("__metadata__", None)
        return [msgspec.json.decode(entry, type=_Tensor) for entry in head.values()]
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read ({error.strerror})") from error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise WeightsError(f"{path}: no safetensors file ({error})") from error
