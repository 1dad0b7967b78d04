"""What a person means by a model: a name, the beginning of one, a folder or a file.

Goes by names; whether what is there can be used is seen when it is opened.
"""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from pathlib import Path

from engine.errors import ModelError
from engine.model_store.adapted import own_paths
from engine.model_store.bundled import bundled_models
from engine.model_store.choice import default_model
from engine.model_store.found import found_models
from engine.model_store.offers import CatalogueModel, available, offer_named
from engine.paths import expanded
from engine.plain_files import open_plain
from engine.units import size_text

__all__ = ["find_model", "is_gguf"]

_MAGIC, _SUFFIX = b"GGUF", ".gguf"
_MOST_NAMES = 8
"""Names that a message lists."""


def find_model(asked: str | Path | None = None, folders: Iterable[Path] = ()) -> Path:
    """Return the folder or GGUF file of a model.

    A whole name of a bundled, fetched or adapted model comes first, then a folder or ``.gguf``
    file, then the whole name of a model found elsewhere, then the beginning of exactly one name, of
    a bundled, fetched or adapted one first.

    Args:
        asked: A name, the beginning of one, a folder or a file; None is the default model.
        folders: The person's own folders of models.

    Raises:
        ModelError: Nothing, or more than one, is meant.
    """
    if asked is None:
        return default_model().path
    text = str(asked)
    own = bundled_models() | own_paths()
    path = own.get(text) or _path(text)
    if path is not None:
        return path
    if text == "" or _looks_like_a_path(text):
        raise ModelError(_unknown(text, own))
    found = {model.name: model.path for model in found_models(folders)}
    for names, same in ((found, _equal), (own, str.startswith), (found, str.startswith)):
        path = _only(text, names, same)
        if path is not None:
            return path
    raise ModelError(_unknown(text, own, found))


def _path(text: str) -> Path | None:
    """Return a folder or file that the text names."""
    try:
        path = expanded(text)
        there = text and (path.is_dir() or is_gguf(path))
        return path.resolve() if there else None
    except (OSError, ValueError):  # a name too long, a NUL
        return None


def is_gguf(path: Path) -> bool:
    """Tell a GGUF file by its ending, or by its first bytes: some programs keep it without one.

    Raises:
        OSError: It cannot be looked at.
    """
    if not path.is_file():
        return False
    if path.suffix.lower() == _SUFFIX:
        return True
    with open_plain(path) as file:
        return file.read(len(_MAGIC)) == _MAGIC


def _looks_like_a_path(text: str) -> bool:
    return text.startswith(("/", "./", "../", "~"))


def _equal(name: str, text: str) -> bool:
    return name == text


def _only(text: str, names: dict[str, Path], same: Callable[[str, str], bool]) -> Path | None:
    """Return the one path whose name matches, whatever the case of its letters."""
    matching = [name for name in names if same(name.lower(), text.lower())]
    if len(matching) > 1:
        raise ModelError(f"{text!r} may be {_listed(matching)}; write more of the name")
    return names[matching[0]] if matching else None


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more


def _offer_meant(text: str) -> CatalogueModel | None:
    """Return the model of the catalogue that a name, or the beginning of only one, means."""
    begin = [offer for offer in available() if text and offer.name.startswith(text.lower())]
    return begin[0] if len(begin) == 1 else offer_named(text)


def _unknown(text: str, own: dict[str, Path], found: dict[str, Path] | None = None) -> str:
    if text.endswith(_SUFFIX):
        return f"{text}: no such file"
    try:
        if text and expanded(text).is_file():
            return f"{text!r} is no GGUF file; --model takes one, a model folder or a name"
    except (OSError, ValueError):
        pass  # then it is no file
    offer = _offer_meant(text)
    if offer is not None:
        return (
            f"{offer.name} is not on this computer; `spark-tui models pull {offer.name}` fetches "
            f"it ({size_text(offer.download_bytes)}, {offer.licence})"
        )
    known = [*own, *(found or ())]
    close = get_close_matches(text, known, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return (
        f"no model {text!r}: no name, folder or GGUF file{hint} "
        f"(here: {_listed(known) or 'none'}; `spark-tui models` lists all)"
    )
