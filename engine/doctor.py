"""Examines this computer for the engine: processor path, threads, kernel cache, models.

Compiles and runs nothing; makes the kernel cache's folder at most.  A face prints it as a report.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError
from engine.model.load import Model, load_model
from engine.model_store.bundled import bundled_models
from engine.model_store.lookup import find_model
from engine.own_files import refusal
from engine.session import default_threads
from engine.tokenizer import Tokenizer
from engine.wafer.jit import kernel_cache

__all__ = ["Examination", "ModelCheck", "examine"]

_NUMBERS_AT_ONCE = 1 << 20


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """A model after its files were read and checked."""

    name: str
    folder: Path
    """Its folder, or its GGUF file."""
    checksums: str
    """``"ok"``, ``"none"`` (there are no checksums to check) or ``"failed"``."""
    default: bool
    """True for the model that is used when none is named."""
    problem: str | None
    """Why it cannot be used; None when it can."""


@dataclass(frozen=True, slots=True)
class Examination:
    """The means the engine would have if it started now."""

    processor_path: str
    """``"amx"``, ``"vnni"``, ``"avx-vnni"``, ``"avx2"``, ``"dotprod"`` or ``"portable"``;
    ``"none"`` where it is a problem."""
    threads: int
    kernel_cache: Path
    """Folder of the compiled kernels of this version and processor; it may not exist yet."""
    kernel_cache_problem: str | None
    """Why kernels cannot be kept there; None when they can."""
    cached_kernels: int
    """Files in it; 0 means that the next start compiles."""
    damaged_kernels: int
    """Those that are not as they were written; the next start compiles them again."""
    stale_caches: tuple[Path, ...]
    """Kernel folders of other versions or processors; safe to delete."""
    models: tuple[ModelCheck, ...]
    path_problem: str | None = None
    """Why the kernels cannot run; None when they can."""


def examine(model: str | None = None) -> Examination:
    """Return what the engine finds; whatever is wrong is in the result, not raised.

    Args:
        model: A model to examine besides those that are bundled and the default one, every number
            in it: a name, a folder or a GGUF file.

    Raises:
        ModelError: There is no such model.
    """
    folder = kernel_cache.folder()
    cache_problem = refusal(folder)
    # Chosen before the kernels are imported, which happens in _processor_path.
    usable = kernel_cache.use()
    path, problem = _processor_path()
    if usable != folder:
        shutil.rmtree(usable, ignore_errors=True)
    return Examination(
        processor_path=path,
        threads=default_threads(),
        kernel_cache=folder,
        kernel_cache_problem=cache_problem,
        cached_kernels=len(_found(folder, "**/*.nbc")),
        damaged_kernels=len(kernel_cache.damaged(folder)),
        stale_caches=tuple(
            other for other in _found(folder.parent, "*/") if other.name != folder.name
        ),
        models=_models(None if model is None else find_model(model)),
        path_problem=problem,
    )


def _found(folder: Path, pattern: str) -> list[Path]:
    """Return what a folder holds, by name; nothing where it cannot be read."""
    try:
        return sorted(folder.glob(pattern))
    except OSError:
        return []


def _processor_path() -> tuple[str, str | None]:
    from engine.wafer.fast.executor import processor_path

    try:
        return processor_path(), None
    except EngineError as error:
        return "none", str(error)


def _models(asked: Path | None) -> tuple[ModelCheck, ...]:
    try:
        bundled = bundled_models()
        default = find_model()
    except EngineError:
        return ()
    places = {path: name for name, path in bundled.items()}
    for path in (default, *([asked] if asked else [])):
        places.setdefault(path, path.stem if path.is_file() else path.name)
    return tuple(
        _check(name, path, default=path == default, whole=path == asked)
        for path, name in places.items()
    )


def _check(name: str, path: Path, *, default: bool, whole: bool) -> ModelCheck:
    """Open a model, and decode all its weights if the ``whole`` of it is asked for."""
    try:
        model = load_model(path)
        Tokenizer.load(path)
        if whole:
            _decode(model)
    except EngineError as error:
        return ModelCheck(name, path, "failed", default, f"{type(error).__name__}: {error}")
    return ModelCheck(name, path, "ok" if model.verified else "none", default, None)


def _decode(model: Model) -> None:
    """Decode every matrix, some rows at a time, which checks its levels and scales."""
    for tensor in model.tensors.values():
        step = max(1, _NUMBERS_AT_ONCE // tensor.shape[-1])
        for first in range(0, tensor.shape[0], step):
            tensor.dequantise(slice(first, first + step))
