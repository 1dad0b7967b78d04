"""Sums in the order that a Program names, for the reference: plain loops, nothing else."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from engine.model.sum_orders import ReduceOrder

__all__ = ["in_order", "meet"]


def meet(parts: Sequence[Any], order: ReduceOrder) -> Any:
    """Add partial sums as an order says: groups from their last, then their results."""

    def chain(some: Sequence[Any]) -> Any:
        total = some[-1]
        for own in some[-2::-1]:
            total = own + total
        return total

    return chain([chain(parts[at : at + order.group]) for at in range(0, len(parts), order.group)])


def in_order(terms: Sequence[Any], like: Any) -> Any:
    """Add terms from the first to the last, beginning with 0."""
    total = np.zeros_like(like)
    for term in terms:
        total = total + term
    return total
