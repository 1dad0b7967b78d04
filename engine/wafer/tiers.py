"""The tiers by name: who computes a placed model.  A further tier is an entry here.

Importing this loads no tier, no NumPy and no numba; each entry imports its tier when it opens one.
All tiers give the same bits; they differ in time and in what they need.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from engine.errors import EngineError
from engine.progress import OnProgress

if TYPE_CHECKING:
    from pathlib import Path

    from engine.model.tensors.tensor import Tensor
    from engine.wafer.plan.placed import Placed, TierRunner

__all__ = ["TIERS", "OpenTier", "find_tier"]


class OpenTier(Protocol):
    """Opens a tier: makes a placed model ready for steps."""

    def __call__(
        self,
        placed: "Placed",
        tensors: Mapping[str, "Tensor"],
        *,
        threads: int,
        on_progress: OnProgress,
        model: "Path | None" = None,
    ) -> "TierRunner":
        """Return the runner; its `finish` waits for what may still go on in the background.

        Args:
            placed: The model on its machine.
            tensors: The model's tensors by name.
            threads: Compute threads of the host that it may use.
            on_progress: Called with (done, total, label).
            model: The folder or file of the tensors, for which a tier may keep what the next
                opening needs; None: nothing is kept.
        """
        ...


def _fast(
    placed: "Placed",
    tensors: Mapping[str, "Tensor"],
    *,
    threads: int,
    on_progress: OnProgress,
    model: "Path | None" = None,
) -> "TierRunner":
    from engine.wafer.fast.fast_runner import open_fast

    return open_fast(
        placed, tensors, threads=threads, on_progress=on_progress, model=model, finished=False
    )


def _cycle(
    placed: "Placed",
    tensors: Mapping[str, "Tensor"],
    *,
    threads: int,
    on_progress: OnProgress,
    model: "Path | None" = None,
) -> "TierRunner":
    from engine.wafer.fabric.cycle_runner import open_cycle

    return open_cycle(placed, tensors, on_progress=on_progress)


def _reference(
    placed: "Placed",
    tensors: Mapping[str, "Tensor"],
    *,
    threads: int,
    on_progress: OnProgress,
    model: "Path | None" = None,
) -> "TierRunner":
    from engine.wafer.reference_runner import ReferenceRunner

    return ReferenceRunner(placed, tensors)


TIERS: Mapping[str, OpenTier] = {"fast": _fast, "cycle": _cycle, "reference": _reference}
"""``fast`` is the compiled wafer, ``cycle`` the one simulated cycle by cycle (seconds a token),
``reference`` plain NumPy with the same arithmetic."""


def find_tier(name: str) -> OpenTier:
    """Return what opens a tier.

    Raises:
        EngineError: There is no tier of this name.
    """
    if name not in TIERS:
        raise EngineError(f"no tier {name!r}; there are {', '.join(TIERS)}")
    return TIERS[name]
