"""The orders in which partial sums meet: plain data that a placement chooses and a sum obeys.

A floating-point sum depends on its order, so the order is part of a result.  Nothing here adds
anything: the kernels, the simulator and the reference each read these numbers.
"""

from dataclasses import dataclass

from engine.model.roles import Role

__all__ = ["ReduceOrder", "SumOrders"]


@dataclass(frozen=True, slots=True)
class ReduceOrder:
    """How the partial sums p[0] … p[parts − 1] of a row of cores become one.

    Consecutive groups of ``group`` parts (the last may be shorter) are summed first, each as a
    chain from its highest index to its lowest; then the group results are summed as a chain from
    the last group to the first.

    Raises:
        ValueError: Fewer than one part, or a group that is empty or larger than the parts.

    Example:
        With parts = 5 and group = 2 the sum is
        ``(p[0] + p[1]) + ((p[2] + p[3]) + p[4])``.
    """

    parts: int
    """Number of partial sums, P ≥ 1."""
    group: int
    """Parts in a group, 1 ≤ group ≤ parts; group = parts is one plain chain."""

    def __post_init__(self) -> None:
        if self.parts < 1 or not 1 <= self.group <= self.parts:
            raise ValueError(
                f"an order needs parts >= 1 and 1 <= group <= parts, "
                f"not parts={self.parts}, group={self.group}"
            )

    @classmethod
    def chain(cls, parts: int) -> "ReduceOrder":
        """Return the order of one plain chain over ``parts`` parts."""
        return cls(parts, parts)


@dataclass(frozen=True, slots=True)
class SumOrders:
    """Every order that a placement gives to the sums of a model.

    Example:
        >>> SumOrders.single().hidden
        ReduceOrder(parts=1, group=1)
    """

    hidden: ReduceOrder
    """Products that read the residual stream after a norm."""
    heads: ReduceOrder
    """The product that reads the attention's output."""
    ffn: ReduceOrder
    """The product that reads the gated activations."""
    norm: ReduceOrder
    """The sum of squares of a norm."""
    positions: ReduceOrder
    """Softmax's sum and the weighted sum of values; position j belongs to part j mod parts."""
    head_dim: ReduceOrder
    """The products of one score; parts must divide the head's width."""

    @classmethod
    def single(cls) -> "SumOrders":
        """Return the orders of a model on one core: every sum is one part."""
        one = ReduceOrder(1, 1)
        return cls(one, one, one, one, one, one)

    def of(self, role: Role) -> ReduceOrder:
        """Return the order of the sums of a product.

        Raises:
            KeyError: Nodes of this role multiply nothing.
        """
        return {
            Role.QKV: self.hidden,
            Role.OUT: self.heads,
            Role.GATE_UP: self.hidden,
            Role.DOWN: self.ffn,
            Role.HEAD: self.hidden,
        }[role]
