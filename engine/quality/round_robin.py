"""Takes items from several sources in turn, so that a large one does not crowd out the small."""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeVar

__all__ = ["round_robin"]

_Item = TypeVar("_Item")


def round_robin(sources: Iterable[Iterator[_Item]]) -> Iterator[_Item]:
    """Yield one item from each source in turn, until all are used up.

    Example:
        >>> list(round_robin([iter("abc"), iter("x")]))
        ['a', 'x', 'b', 'c']
    """
    queue = deque(sources)
    while queue:
        source = queue.popleft()
        for item in source:
            yield item
            queue.append(source)
            break
