"""Finding a model and loading its folder: the door through which everybody gets a Model.

A model folder holds config.json, model.safetensors (or its index and shards) and tokenizer.json,
and a checksums.json where its files can be checked.  Reads tokenizer.json only for the names of its
special tokens.
"""

import hashlib
from dataclasses import dataclass
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path

import msgspec

from engine.errors import ModelError
from engine.model.families import ModelConfig, read_config
from engine.model.formats.checked_tensors import load_tensors
from engine.model.formats.checksums import read_checksums, read_file
from engine.model.graph import ModelGraph
from engine.model.tensors.tensor import Format, Tensor

__all__ = ["Model", "bundled_models", "find_model", "load_model", "weights_sha256"]

_DEFAULTS = ("spark-mini", "spark-nano")
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


# ── finding ─────────────────────────────────────────────────────────────────────────────────


def bundled_models() -> dict[str, Path]:
    """Return the folders of the models that come with the program, by name.

    Raises:
        ModelError: The ``weights`` package is not installed.
    """
    try:
        root = Path(str(files("weights")))
    except ModuleNotFoundError:
        raise ModelError(
            "the package 'weights' with the bundled models is not installed; reinstall spark-tui"
        ) from None
    return {path.parent.name: path.parent for path in sorted(root.glob("*/config.json"))}


def find_model(name_or_path: str | Path | None = None) -> Path:
    """Return the folder of a model.

    Args:
        name_or_path: The name of a bundled model, or a model folder; None is the default model.

    Raises:
        ModelError: No bundled model has the name, and no folder is there either.
    """
    known = bundled_models()
    if name_or_path is None:
        return _default(known)
    asked = str(name_or_path)
    if asked in known:
        return known[asked]
    path = Path(asked).expanduser()
    if asked and path.is_dir():
        return path.resolve()
    raise ModelError(_unknown(asked, path, sorted(known)))


def weights_sha256(name_or_path: str | Path | None = None) -> str:
    """Return the SHA-256 of a model's files with tensors, one after the other by name.

    It tells which weights something was measured with or fitted to.

    Raises:
        ModelError: As `find_model`.
    """
    digest = hashlib.sha256()
    for file in sorted(find_model(name_or_path).glob("*.safetensors")):
        digest.update(file.read_bytes())
    return digest.hexdigest()


def _default(known: dict[str, Path]) -> Path:
    for name in _DEFAULTS:
        if name in known:
            return known[name]
    raise ModelError(
        f"no default model is bundled (looked for {', '.join(_DEFAULTS)}); "
        f"name a model folder with --model"
    )


def _unknown(asked: str, path: Path, known: list[str]) -> str:
    listed = f"bundled: {', '.join(known)}" if known else "no model is bundled"
    if path.is_file():
        return f"{asked!r} is a file; --model takes a model folder or a name ({listed})"
    close = get_close_matches(asked, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"no model {asked!r}: neither a bundled name nor a folder; {hint}({listed})"


# ── loading ─────────────────────────────────────────────────────────────────────────────────


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
        tensors=load_tensors(folder, graph, checksums),
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
