"""The learning rate over a run: warm-up, plateau, linear decay.  Knows no optimiser."""

__all__ = ["rate_factor"]


def rate_factor(share: float, step: int, *, warmup: int = 60, decay: float = 0.35) -> float:
    """Return the factor of the learning rates at a step.

    Args:
        share: How much of the run is done, 0 … 1.
        step: Steps done.
        warmup: Steps over which the factor grows to 1; at least 1.
        decay: Last share of the run, over which it falls to 0.

    Example:
        >>> [rate_factor(share, 1000, decay=0.5) for share in (0.2, 0.5, 0.75, 1.0)]
        [1.0, 1.0, 0.5, 0.0]
    """
    return min(1.0, (step + 1) / warmup, max(0.0, (1.0 - share) / decay))
