"""Role: why a node stands in its graph.  Stacking, placement and orders of sums go by it.

A role says nothing of a family: every decoder has queries, a gate and a head, whatever its tensors
are called.
"""

from enum import Enum

__all__ = ["Role"]


class Role(Enum):
    """The part that a node plays, with its operation and the name of its value on listings.

    Nodes of one role in one layer that read the same value become one instruction: queries, keys
    and values are one product, gate and up another.
    """

    EMBED = ("embed", "embed")
    ATTENTION_NORM = ("norm", "attention_norm")
    QKV = ("matmul", "q+k+v")
    """Queries, keys and values, in this order."""
    HEAD_NORM = ("norm", "head_norm")
    """A norm of every head of queries or keys, in place."""
    ROTARY = ("rotary", "rotary")
    """The rotation of queries or keys, in place."""
    ATTENTION = ("attention", "attention")
    OUT = ("matmul", "o")
    """From the heads back to the residual stream."""
    ATTENTION_POST_NORM = ("norm", "attention_post_norm")
    """A norm of what attention adds to the residual stream, before it is added."""
    ATTENTION_RESIDUAL = ("add", "attention_residual")
    FFN_NORM = ("norm", "ffn_norm")
    GATE_UP = ("matmul", "gate+up")
    """Gate, then up; where nothing is gated, up alone."""
    ACTIVATION = ("gate", "activation")
    DOWN = ("matmul", "down")
    """From the feed-forward back to the residual stream."""
    FFN_POST_NORM = ("norm", "ffn_post_norm")
    """A norm of what the feed-forward adds to the residual stream, before it is added."""
    FFN_RESIDUAL = ("add", "ffn_residual")
    FINAL_NORM = ("norm", "final_norm")
    HEAD = ("matmul", "logits")
    """The vocabulary."""

    @property
    def op(self) -> str:
        """The operation, a key of `engine.model.graph.OPERATIONS`."""
        return self.value[0]

    @property
    def label(self) -> str:
        """Name on listings of the value that it writes."""
        return self.value[1]
