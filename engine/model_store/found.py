"""Finds the models that other programs keep on this computer; by names, opening none.

Each place is walked as its owner lays it out; what cannot be read is passed over.  A model found
here is only used when somebody names it.
"""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path

import msgspec

from engine.model_store.adapted import own_paths
from engine.model_store.bundled import bundled_models
from engine.paths import expanded
from engine.plain_files import read_plain

__all__ = ["SOURCES", "FoundModel", "found_models"]

MOST_DEPTH = 5
"""Folders below a folder of models that are looked into."""
MOST_ENTRIES = 20_000
"""Files and folders of one place that are looked at."""

_NOT_FIRST_PART = re.compile(r"-(?!00001)\d{5}-of-\d{5}$")
_PROJECTOR = "mmproj"
_OLLAMA_MODEL = "application/vnd.ollama.image.model"
_LIBRARY = "library"
_LARGEST_NOTE = 1 << 24


class FoundModel(msgspec.Struct, frozen=True):
    """A model of another program's, or in a folder of the person's."""

    name: str
    """As it is given to ``--model``: no other model has it."""
    source: str
    """One of `SOURCES`."""
    path: Path
    """A folder with config.json, or a GGUF file."""


def found_models(folders: Iterable[Path] = ()) -> tuple[FoundModel, ...]:
    """Return the models found, each file once, by source and name; none that is ours.

    Args:
        folders: The person's own folders of models, looked into last.
    """
    own = bundled_models() | own_paths()
    seen = {path.resolve() for path in own.values()}
    found: dict[str, FoundModel] = {}
    for source, name, path in _all(folders):
        with suppress(OSError):
            place = path.resolve()
            if place in seen or not place.exists():
                continue
            seen.add(place)
            free = _free_name(name, source, {*own, *found})
            found[free] = FoundModel(free, source, path)
    return tuple(found.values())


def _free_name(name: str, source: str, taken: set[str]) -> str:
    """Return the name, told apart from equal ones by its source, and then by a number."""
    tries = chain([name, f"{name}@{source}"], (f"{name}@{source}-{n}" for n in count(2)))
    return next(each for each in tries if each not in taken)


def _all(folders: Iterable[Path]) -> Iterator[tuple[str, str, Path]]:
    for source, find in SOURCES.items():
        for name, path in sorted(find(), key=lambda each: each[0]):
            yield source, name, path
    for folder in folders:
        for name, path in sorted(_below(expanded(folder)), key=lambda each: each[0]):
            yield "folder", name, path


_Finds = Iterator[tuple[str, Path]]


def _home(*parts: str) -> Path:
    return expanded("~").joinpath(*parts)


def _variable(name: str) -> Path | None:
    value = os.environ.get(name)
    return expanded(value) if value else None


def _user_cache() -> Path:
    return _variable("XDG_CACHE_HOME") or _home(".cache")


def _listing(folder: Path) -> list[Path]:
    """Return what lies in a folder, by name; nothing where it cannot be read."""
    try:
        return sorted(folder.iterdir())
    except OSError:
        return []


# ── the Hugging Face cache: hub/models--OWNER--REPO/{refs/main, snapshots/REVISION/…} ────────


def _huggingface() -> _Finds:
    hub = _variable("HF_HUB_CACHE") or _variable("HUGGINGFACE_HUB_CACHE")
    hub = hub or (_variable("HF_HOME") or _user_cache() / "huggingface") / "hub"
    for repository in _listing(hub):
        kind, _, name = repository.name.partition("--")
        snapshot = _snapshot(repository) if kind == "models" else None
        if snapshot is None:
            continue
        name = name.replace("--", "/", 1)
        if _is_model_folder(snapshot):
            yield name, snapshot
        for file in _files(snapshot):
            yield f"{name}:{file.relative_to(snapshot).as_posix()}", file


def _snapshot(repository: Path) -> Path | None:
    """Return the snapshot that ``main`` names, else the newest."""
    snapshots = [path for path in _listing(repository / "snapshots") if path.is_dir()]
    with suppress(OSError, UnicodeDecodeError):
        main = read_plain(repository / "refs" / "main", _LARGEST_NOTE).decode("utf-8").strip()
        snapshots = [path for path in snapshots if path.name == main] or snapshots
    return max(snapshots, key=lambda path: path.stat().st_mtime, default=None)


# ── Ollama: manifests/HOST/NAMESPACE/NAME/TAG name blobs/sha256-… ────────────────────────────


def _ollama() -> _Finds:
    root = _variable("OLLAMA_MODELS") or _home(".ollama", "models")
    for manifest in _walk(root / "manifests"):
        parts = manifest.relative_to(root / "manifests").parts
        if len(parts) < 3:
            continue
        _, *path, tag = parts
        name = "/".join(path[1:] if path[0] == _LIBRARY else path)
        blob = _blob(manifest)
        if blob is not None:
            yield f"{name}:{tag}", root / "blobs" / blob


def _blob(manifest: Path) -> str | None:
    """Return the file name of the blob with a manifest's weights; None if it names none."""
    try:
        layers = json.loads(read_plain(manifest, _LARGEST_NOTE))["layers"]
        digests = [each["digest"] for each in layers if each["mediaType"] == _OLLAMA_MODEL]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    is_digest = len(digests) == 1 and re.fullmatch(r"sha256:[0-9a-f]{64}", str(digests[0]))
    return digests[0].replace(":", "-") if is_digest else None


# ── LM Studio: models/PUBLISHER/MODEL/FILE.gguf; llama.cpp: FILE.gguf ────────────────────────


def _lmstudio() -> _Finds:
    for root in (_home(".lmstudio", "models"), _home(".cache", "lm-studio", "models")):
        yield from _below(root)


def _llama_cpp() -> _Finds:
    cache = _user_cache()
    mac = _home("Library", "Caches")
    for root in [_variable("LLAMA_CACHE") or cache / "llama.cpp", mac / "llama.cpp"]:
        yield from _below(root)


# ── any folder ──────────────────────────────────────────────────────────────────────────────


def _below(folder: Path) -> _Finds:
    """Yield the GGUF files and model folders in a folder and below, by their own names."""
    if _is_model_folder(folder):
        yield folder.name, folder
    for path in _walk(folder):
        if path.name == "config.json" and path.parent != folder and _is_model_folder(path.parent):
            yield path.parent.name, path.parent
        elif _is_model_file(path):
            yield path.stem, path


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in _walk(folder) if _is_model_file(path))


def _is_model_file(path: Path) -> bool:
    """Tell whether a file is a model's, and not a later part of one or an image projector."""
    stem = path.stem
    gguf = path.suffix.lower() == ".gguf" and not stem.startswith(".")
    return gguf and _PROJECTOR not in stem.lower() and not _NOT_FIRST_PART.search(stem)


def _is_model_folder(folder: Path) -> bool:
    try:
        return (folder / "config.json").is_file() and any(folder.glob("*.safetensors"))
    except OSError:
        return False


def _walk(folder: Path) -> Iterator[Path]:
    """Yield the files below a folder in order, to a depth and number that no store of models has.

    Links to folders are not followed, so that none leads in a circle.
    """
    waiting, seen = [(folder, 0)], 0
    while waiting:
        here, depth = waiting.pop()
        for path in _listing(here):
            seen += 1
            if seen > MOST_ENTRIES:
                return
            with suppress(OSError):
                if path.is_dir():
                    if depth < MOST_DEPTH and not path.is_symlink():
                        waiting.append((path, depth + 1))
                else:
                    yield path


SOURCES: dict[str, Callable[[], _Finds]] = {
    "huggingface": _huggingface,
    "ollama": _ollama,
    "lmstudio": _lmstudio,
    "llama.cpp": _llama_cpp,
}
"""How the models of each program are found; a folder's of the person are the source ``folder``."""
