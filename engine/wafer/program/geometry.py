"""How a vector lies on a line of cores, in whole groups of 32 or in even parts of a group.

The quantisation group is the unit: a core holds whole groups, or, where there are more cores
than groups, a group spans neighbouring cores and the first of them owns it.
"""

from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from engine.errors import PlacementError

__all__ = ["GROUP", "Split", "even_split", "lighter_split", "split"]

GROUP = 32
"""Elements that share a scale."""


@dataclass(frozen=True, slots=True)
class Split:
    """A vector of ``width`` elements on ``cores`` cores of a line."""

    width: int
    cores: int
    parts: int
    """Cores that own at least one group."""
    span: int
    """Neighbouring cores that share a group; 1 where a core holds whole groups."""
    elements: tuple[int, ...]
    """Elements by core."""
    groups: tuple[int, ...]
    """Groups a core owns, by core."""

    @property
    def most_elements(self) -> int:
        """Elements of the fullest core."""
        return max(self.elements)


@lru_cache(maxsize=4096)
def split(width: int, cores: int) -> Split:
    """Lay ``width`` elements on ``cores`` cores.

    With G = width / 32 groups: up to G cores, core i holds groups i·G//P … (i+1)·G//P; beyond,
    every group spans P // G neighbours (a divisor of 32) and the cores left over hold nothing.

    Raises:
        PlacementError: ``width`` is not a multiple of 32.

    Example:
        >>> split(96, 2).elements
        (32, 64)
        >>> split(64, 4).span, split(64, 4).groups
        (2, (1, 0, 1, 0))
    """
    if width % GROUP:
        raise PlacementError(
            f"a vector of {width} elements cannot be laid out: widths must be multiples of {GROUP}"
        )
    count = width // GROUP
    if cores <= count:
        edges = [i * count // cores for i in range(cores + 1)]
        groups = tuple(b - a for a, b in pairwise(edges))
        return Split(width, cores, cores, 1, tuple(GROUP * g for g in groups), groups)
    span = _largest_span(cores // count)
    used = count * span
    elements = tuple(GROUP // span if i < used else 0 for i in range(cores))
    groups = tuple(1 if i < used and i % span == 0 else 0 for i in range(cores))
    return Split(width, cores, count, span, elements, groups)


@lru_cache(maxsize=4096)
def even_split(width: int, cores: int) -> Split:
    """Lay ``width`` elements without groups on ``cores`` cores, as evenly as possible.

    Example:
        >>> even_split(10, 4).elements
        (3, 3, 2, 2)
    """
    elements = tuple(width // cores + (i < width % cores) for i in range(cores))
    return Split(width, cores, min(width, cores), 1, elements, (0,) * cores)


def lighter_split(lies: Split, light: int, fewer: int) -> Split:
    """Return ``lies`` laid out anew, with ``fewer`` units less on each of the first cores.

    A unit is a group, or an element of a vector that has no groups.

    Args:
        lies: The vector on its line; no group spans cores.
        light: How many cores hold less than the others.
        fewer: Units that each of them holds less.

    Raises:
        PlacementError: Nothing would be left for some core.

    Example:
        >>> lighter_split(even_split(10, 4), 2, 3).elements
        (1, 1, 4, 4)
        >>> lighter_split(split(320, 4), 2, 3).groups
        (1, 1, 4, 4)
    """
    grouped = any(lies.groups)
    unit = GROUP if grouped else 1
    padded = lies.width + light * fewer * unit  # the light cores' as well, then taken from them
    even = (split if grouped else even_split)(padded, lies.cores).elements
    elements = tuple(n - fewer * unit if i < light else n for i, n in enumerate(even))
    if lies.span > 1 or min(elements) <= 0:
        raise PlacementError(
            f"a vector of {lies.width} elements on {lies.cores} cores leaves nothing for {light} "
            f"of them that are to hold {fewer * unit} elements less than the others"
        )
    groups = tuple(n // GROUP for n in elements) if grouped else (0,) * lies.cores
    return replace(lies, parts=lies.cores, elements=elements, groups=groups)


def _largest_span(limit: int) -> int:
    """The largest divisor of a group that is at most ``limit``."""
    return max(s for s in (1, 2, 4, 8, 16, 32) if s <= limit)
