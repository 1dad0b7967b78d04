"""Two models at once: whether the small one is asked first, and which of two texts is shown.  Pure.

The rule, which a person can see: what the small model says is shown at once, and stands until the
large one says something else; then that takes its place, once.  Where the large one has nothing
better, it stays.  Text that was typed or taken never changes.
"""

from dataclasses import dataclass

from engine.protocol.messages import ModelInfo
from tui.assist.cursor_place import CursorPlace
from tui.assist.policy import Trigger

__all__ = ["QuickSession", "asks_first", "replaces"]


@dataclass(frozen=True, slots=True)
class QuickSession:
    """The session of the small model."""

    session: int
    model: ModelInfo


def asks_first(
    quick: QuickSession | None, serving: ModelInfo | None, place: CursorPlace, trigger: Trigger
) -> bool:
    """Return whether the small model is asked before the one that serves.

    Not for a person who asks, who wants the better answer; not where it does not know the
    language, or is the one that serves.
    """
    if quick is None or serving is None or trigger == "asked":
        return False
    if not serving.remote and quick.model.parameters >= serving.parameters:
        return False
    return quick.model.language in ("any", place.language)


def replaces(shown: str, coming: str, *, complete: bool) -> bool:
    """Return whether a text takes the place of the small model's, which is shown.

    A text that is still growing does not, as long as it only repeats what is shown: it would
    shrink under the eyes and grow again.

    Example:
        >>> replaces("return x", "return", complete=False)
        False
        >>> replaces("return x", "return y", complete=False)
        True
    """
    if not coming.strip():
        return False
    return complete or not shown.startswith(coming)
