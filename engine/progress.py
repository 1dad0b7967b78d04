"""How slow work reports its progress: through a function that it is given."""

from collections.abc import Callable

__all__ = ["OnProgress", "quiet"]

OnProgress = Callable[[int, int, str], None]
"""Called with (done, total, label); the label tells a person what comes next."""


def quiet(done: int, total: int, label: str) -> None:
    """Report nothing."""
