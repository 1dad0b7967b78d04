"""A folder or a GGUF file becomes a Model: the door through which everybody gets one.

A model folder holds config.json, model.safetensors (or its index and shards) and tokenizer.json,
and a checksums.json where its files can be checked; a GGUF file is all of that in one.  Of a
folder's vocabulary only the ids of special tokens are read, of a file's nothing.
"""

from dataclasses import dataclass
from pathlib import Path

import msgspec

from engine.errors import ModelError
from engine.model.families import ModelConfig, read_config
from engine.model.formats.checked_tensors import load_tensors
from engine.model.formats.checksums import read_checksums, read_file
from engine.model.formats.gguf import GgufFile, read_gguf
from engine.model.gguf.configuration import read_gguf_config
from engine.model.gguf.tensors import gguf_formats, load_gguf_tensors
from engine.model.graph import ModelGraph
from engine.model.tensors.tensor import Format, Tensor
from engine.model_store.bundled import bundled_models

__all__ = ["Formats", "Model", "load_model", "read_formats"]

Formats = dict[str, Format]
"""The format of every tensor by name."""

_OWN_PREFIX = "spark-"


@dataclass(frozen=True, slots=True)
class Model:
    """A loaded model.  Its tensors are shared by all readers and are not to be written to."""

    path: Path
    """Its folder, or its GGUF file."""
    name: str
    """The folder's name, or the file's without its ending."""
    config: ModelConfig
    graph: ModelGraph
    tensors: dict[str, Tensor]
    """By tensor name, exactly the names of ``graph.weights``.  Matrices of a GGUF file are read
    from it when they are used."""
    language: str
    """The one language it was trained on, ``"python"``, or ``"any"``."""
    verified: bool
    """False: there is no checksums.json, so nobody knows whether the files are whole."""
    gguf: GgufFile | None = None
    """The head of its GGUF file, which also holds the vocabulary."""

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


def load_model(path: Path) -> Model:
    """Return the model in a folder or a GGUF file, checked.

    Of a folder every file and tensor is read.  Of a GGUF file the head is, and the small tensors:
    offsets, sizes, names, types and shapes of all are checked here, levels and scales of a matrix
    where they are decoded or packed.

    Raises:
        ConfigError: The configuration is missing, malformed or outside what the engine runs.
        WeightsError: A file is missing, truncated or altered, or a tensor is wrong.
        ModelError: There is neither folder nor file, or the vocabulary is malformed or does not
            fit.
    """
    path = path.resolve()
    if path.is_file():
        return _load_file(path)
    if not path.is_dir():
        raise ModelError(f"{path}: no such model folder or GGUF file")
    return _load_folder(path)


def read_formats(path: Path, context_length: int | None = None) -> tuple[ModelGraph, Formats]:
    """Return the graph of a GGUF file that is to be priced, and the format of each tensor.

    Args:
        path: The file; its head is read, no weights.
        context_length: KV rows that are asked for; None means the model's own.

    Raises:
        ConfigError: A value of the metadata is missing or has no price.
        WeightsError: The file is malformed, or a tensor is wrong.
    """
    file = read_gguf(path)
    config = read_gguf_config(file, price_only=True, context_length=context_length)
    graph = config.graph(path.stem)
    return graph, gguf_formats(file, graph)


def _load_file(path: Path) -> Model:
    file = read_gguf(path)
    config = read_gguf_config(file)
    graph = config.graph(path.stem)
    return Model(
        path=path,
        name=path.stem,
        config=config,
        graph=graph,
        tensors=load_gguf_tensors(file, graph),
        language="any",
        verified=False,
        gguf=file,
    )


def _load_folder(folder: Path) -> Model:
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
        path=folder,
        name=folder.name,
        config=config,
        graph=graph,
        tensors=load_tensors(folder, graph, checksums, config.adapt),
        language=_language(config, folder),
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
