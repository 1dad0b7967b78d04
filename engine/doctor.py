"""Examines this computer for the engine: processor path, threads, kernel cache, models.

Compiles and runs nothing; makes the kernel cache's folder at most.  A face prints it as a report.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path

from engine.errors import EngineError
from engine.model.catalogue import bundled_models, find_model
from engine.model.load import load_model
from engine.session import default_threads
from engine.wafer.jit import kernel_cache

__all__ = ["Examination", "ModelCheck", "examine"]


@dataclass(frozen=True, slots=True)
class ModelCheck:
    """A bundled model after all its files were read and checked."""

    name: str
    folder: Path
    checksums: str
    """``"ok"``, ``"none"`` (the folder has no checksums to check) or ``"failed"``."""
    default: bool
    """True for the model that is used when none is named."""
    problem: str | None
    """Why it cannot be used; None when it can."""


@dataclass(frozen=True, slots=True)
class Examination:
    """The means the engine would have if it started now."""

    processor_path: str
    """``"avx512-vnni"``, ``"avx2"`` or ``"portable"``."""
    threads: int
    kernel_cache: Path
    """Folder of the compiled kernels of this version and processor; it may not exist yet."""
    kernel_cache_writable: bool
    cached_kernels: int
    """Files in it; 0 means that the next start compiles."""
    damaged_kernels: int
    """Those that are not as they were written; the next start compiles them again."""
    stale_caches: tuple[Path, ...]
    """Kernel folders of other versions or processors; safe to delete."""
    models: tuple[ModelCheck, ...]


def examine() -> Examination:
    """Return what the engine finds; whatever is wrong is in the result, not raised."""
    folder = kernel_cache.folder()
    # Chosen before the kernels are imported, which happens in _processor_path.
    usable = kernel_cache.use()
    path = _processor_path()
    if usable != folder:
        shutil.rmtree(usable, ignore_errors=True)
    return Examination(
        processor_path=path,
        threads=default_threads(),
        kernel_cache=folder,
        kernel_cache_writable=usable == folder,
        cached_kernels=sum(1 for file in folder.glob("**/*.nbc")),
        damaged_kernels=len(kernel_cache.damaged(folder)),
        stale_caches=tuple(
            sorted(other for other in folder.parent.glob("*/") if other.name != folder.name)
        ),
        models=_models(),
    )


def _processor_path() -> str:
    from engine.wafer.fast.executor import processor_path

    return processor_path()


def _models() -> tuple[ModelCheck, ...]:
    try:
        bundled = bundled_models()
        default = find_model()
    except EngineError:
        return ()
    return tuple(_check(name, folder, folder == default) for name, folder in bundled.items())


def _check(name: str, folder: Path, default: bool) -> ModelCheck:
    """Read every file of a model, as opening it would."""
    try:
        verified = load_model(folder).verified
    except EngineError as error:
        return ModelCheck(name, folder, "failed", default, f"{type(error).__name__}: {error}")
    return ModelCheck(name, folder, "ok" if verified else "none", default, None)
