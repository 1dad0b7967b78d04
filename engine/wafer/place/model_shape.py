"""ModelShape: the sizes of a model that decide where it can lie, read from its graph.

Refuses a graph whose layers differ in size, and one that is to run with weights that cannot.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from engine.errors import PlacementError
from engine.model.graph import ModelGraph, Node
from engine.model.roles import Role
from engine.model.tensors.tensor import Format
from engine.wafer.ops.attention import AttentionShape
from engine.wafer.place.weight_formats import WeightFormats

__all__ = ["ModelShape", "model_shape"]

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class ModelShape:
    """The sizes of a model that decide where it can lie."""

    hidden: int
    ffn: int
    layers: int
    vocabulary: int
    tied: bool
    attention: AttentionShape
    angles: int
    """fp32 rotary values of a position, of all the kinds of rotation that the layers use."""
    formats: WeightFormats
    vectors: int = 2
    """fp32 vectors of the stream's width that a layer keeps: its norms'."""
    biases: int = 0
    """fp32 numbers that a layer's biases and head norms keep."""
    last_vectors: int = 1
    """fp32 vectors of the stream's width that the head keeps: its norm's."""
    gated: bool = True
    """Whether the feed-forward has a gate beside up."""


def model_shape(
    graph: ModelGraph, formats: Mapping[str, Format] | None = None, *, runs: bool = True
) -> ModelShape:
    """Return the sizes of a graph, whose layers may differ in constants, not in sizes.

    Args:
        graph: The model.
        formats: Format of every tensor by name; None: int8 for every matrix.
        runs: False: only for pricing; formats that no tier runs are no reason to refuse.

    Raises:
        PlacementError: No layer has an attention or an activation, or their sizes differ; or it is
            to run, and weights have a format that is only priced.
    """
    weights = WeightFormats.of(graph, formats)
    if runs and weights.only_priced:
        raise PlacementError(
            f"{graph.name}: weights in {', '.join(weights.only_priced)} can be priced, not run"
        )
    attention = _same(graph, Role.ATTENTION, _attention)
    embed = next(node for node in graph.nodes if node.role is Role.EMBED)
    head = graph.nodes[-1]
    return ModelShape(
        hidden=graph.width,
        ffn=_same(graph, Role.ACTIVATION, lambda node: graph.values[node.output]),
        layers=graph.layers,
        vocabulary=graph.vocabulary,
        tied=embed.weight == head.weight,
        attention=attention,
        angles=_angles(graph, attention),
        formats=weights,
        vectors=_most_in_a_layer(graph, _kept_vectors),
        biases=_most_in_a_layer(graph, lambda node: _kept_numbers(graph, node)),
        last_vectors=sum(_kept_vectors(node) for node in graph.nodes if node.layer is None),
        gated=_same(graph, Role.ACTIVATION, lambda node: len(node.inputs)) == 2,
    )


def _angles(graph: ModelGraph, attention: AttentionShape) -> int:
    """fp32 rotary values that travel with a row: a cosine and a sine for each pair and base."""
    kinds = {
        (node.text("kind"), node.number("base"), node.integer("head_dim"), node.numbers("factors"))
        for node in graph.nodes
        if node.role is Role.ROTARY
    }
    if not kinds:
        raise PlacementError(f"{graph.name}: no layer rotates its queries and keys")
    for _, _, head_dim, _ in kinds:
        if head_dim != attention.head_dim:
            raise PlacementError(
                f"{graph.name}: heads of {attention.head_dim} are rotated as heads of {head_dim}"
            )
    return sum(head_dim for _, _, head_dim, _ in kinds)


def _most_in_a_layer(graph: ModelGraph, count: Callable[[Node], int]) -> int:
    """Return the largest sum of ``count`` over the nodes of one layer."""
    totals: Counter[int] = Counter()
    for node in graph.nodes:
        if node.layer is not None:
            totals[node.layer] += count(node)
    return max(totals.values())


def _kept_vectors(node: Node) -> int:
    """Vectors of the stream's width that a norm of the stream keeps: weight, bias."""
    return len(node.tensors) if node.op == "norm" and node.role is not Role.HEAD_NORM else 0


def _kept_numbers(graph: ModelGraph, node: Node) -> int:
    """fp32 numbers of a node's bias, or of a norm of single heads."""
    biased = node.op == "matmul" and "bias" in node.attributes
    return graph.values[node.output] if biased or node.role is Role.HEAD_NORM else 0


def _attention(node: Node) -> AttentionShape:
    return AttentionShape(node.integer("heads"), node.integer("kv_heads"), node.integer("head_dim"))


def _same(graph: ModelGraph, role: Role, read: Callable[[Node], _T]) -> _T:
    values = {read(node) for node in graph.nodes if node.role is role}
    if not values:
        raise PlacementError(f"{graph.name}: no layer has an {role.label}")
    if len(values) != 1:
        raise PlacementError(
            f"{graph.name}: layers differ in their {role.label}: {sorted(map(str, values))}"
        )
    return values.pop()
