"""How work that takes a while tells how far it is: a function that it calls.  Nothing else."""

from collections.abc import Callable

__all__ = ["OnProgress", "quiet"]

OnProgress = Callable[[int, int, str], None]
"""Called with (done, total, label); the label says for a person what is done next."""


def quiet(done: int, total: int, label: str) -> None:
    """Tell nobody."""
