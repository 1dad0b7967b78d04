"""A folder becomes a Model: the door through which everybody gets one.

A model folder holds config.json, model.safetensors (or its index and shards) and tokenizer.json,
and a checksums.json where its files can be checked.  Reads tokenizer.json only for the names of its
special tokens.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import ModelError
from engine.model.catalogue import bundled_models
from engine.model.families import ModelConfig, read_config
from engine.model.formats.checked_tensors import load_tensors
from engine.model.formats.checksums import read_checksums, read_file
from engine.model.graph import ModelGraph
from engine.model.tensors.tensor import Format, Tensor

__all__ = ["Model", "load_model"]

_FIM_TOKENS = frozenset({"<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"})
_OWN_PREFIX = "spark-"


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model.  Its tensors are shared by all readers and are not to be written to."""

    folder: Path
    name: str
    """The folder's name."""
    config: ModelConfig
    graph: ModelGraph
    tensors: dict[str, Tensor]
    """By tensor name, exactly the names of ``graph.weights``."""
    language: str
    """The one language it was trained on, ``"python"``, or ``"any"``."""
    fim: bool
    """True: the tokenizer has the three tokens of fill-in-the-middle."""
    verified: bool
    """False: the folder has no checksums.json, so nobody knows whether its files are whole."""

    @property
    def parameters(self) -> int:
        """Number of weights."""
        return self.graph.parameters

    @property
    def formats(self) -> dict[str, Format]:
        """Format of every tensor by name."""
        return {name: tensor.format for name, tensor in self.tensors.items()}

    @property
    def weight_bytes(self) -> int:
        """Bytes of all tensors as loaded."""
        return sum(tensor.size_bytes for tensor in self.tensors.values())


def load_model(folder: Path) -> Model:
    """Return the model in a folder, every file and tensor checked.

    Raises:
        ConfigError: config.json is missing, malformed or outside what the engine runs.
        WeightsError: A file is missing, truncated or altered, or a tensor is wrong.
        ModelError: The folder is no folder, or tokenizer.json is malformed or does not fit.
    """
    folder = folder.resolve()
    if not folder.is_dir():
        raise ModelError(f"{folder}: no such model folder")
    config = read_config(folder / "config.json")
    checksums = read_checksums(folder)
    if checksums is not None:
        read_file(folder, "config.json", checksums)
    tokens = _special_tokens(
        folder / "tokenizer.json", read_file(folder, "tokenizer.json", checksums)
    )
    _check_ids(folder, tokens, config.vocab_size)
    graph = config.graph(folder.name)
    return Model(
        folder=folder,
        name=folder.name,
        config=config,
        graph=graph,
        tensors=load_tensors(folder, graph, checksums, config.adapt),
        language=_language(config, folder),
        fim=tokens.keys() >= _FIM_TOKENS,
        verified=checksums is not None,
    )


class _AddedToken(msgspec.Struct):
    id: int
    content: str


class _TokenizerFile(msgspec.Struct):
    added_tokens: list[_AddedToken] = []


def _special_tokens(path: Path, data: bytes) -> dict[str, int]:
    """Return the ids of a tokenizer's added tokens by their text."""
    try:
        tokenizer = msgspec.json.decode(data, type=_TokenizerFile)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ModelError(f"{path}: not a tokenizer file ({error})") from error
    return {token.content: token.id for token in tokenizer.added_tokens}


def _check_ids(folder: Path, tokens: dict[str, int], vocabulary: int) -> None:
    for text, number in tokens.items():
        if not 0 <= number < vocabulary:
            raise ModelError(
                f"{folder}: tokenizer.json gives {text} the id {number}, "
                f"config.json allows 0 to {vocabulary - 1}; the two files do not belong together"
            )


def _language(config: ModelConfig, folder: Path) -> str:
    """Return the model's one language; our own bundled models are Python's by default."""
    if config.spark_language is not None:
        return config.spark_language
    ours = bundled_models().get(folder.name)
    own = folder.name.startswith(_OWN_PREFIX) and ours is not None and ours.resolve() == folder
    return "python" if own else "any"
