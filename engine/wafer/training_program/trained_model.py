"""TrainedModel: the sizes, constants and tensor names of a model that a training program can run.

Reads roles and attributes of a graph, never a family.  What no instruction is known for yet is
refused by its name.
"""

from dataclasses import dataclass

from engine.errors import PlacementError
from engine.model.graph import ModelGraph, Node
from engine.model.roles import Role

__all__ = ["LayerTensors", "TrainedModel", "trained_model"]

_KNOWN = frozenset(
    {
        Role.EMBED, Role.ATTENTION_NORM, Role.QKV, Role.ROTARY, Role.ATTENTION, Role.OUT,
        Role.ATTENTION_RESIDUAL, Role.FFN_NORM, Role.GATE_UP, Role.ACTIVATION, Role.DOWN,
        Role.FFN_RESIDUAL, Role.FINAL_NORM, Role.HEAD,
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LayerTensors:
    """Names of a layer's tensors."""

    attention_norm: str
    qkv: tuple[str, ...]
    out: str
    ffn_norm: str
    gate_up: tuple[str, ...]
    """Gate, then up; where nothing is gated, up alone."""
    down: str


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """What a training program asks of a graph."""

    hidden: int
    heads: int
    kv_heads: int
    head_dim: int
    ffn: int
    vocabulary: int
    eps: float
    rotary_base: float
    score_scale: float
    activation: str
    layers: tuple[LayerTensors, ...]
    final_norm: str
    embedding: str
    head: str
    """The embedding's name where the two are one tensor."""

    @property
    def tied(self) -> bool:
        """Whether the head is the embedding."""
        return self.head == self.embedding

    @property
    def gated(self) -> bool:
        """Whether the feed-forward has a gate."""
        return len(self.layers[0].gate_up) == 2


def trained_model(graph: ModelGraph) -> TrainedModel:
    """Return what a training program asks of a graph.

    Raises:
        PlacementError: It has an operation that no training program has instructions for.
    """
    for node in graph.nodes:
        _check(graph, node)
    layers = tuple(_tensors(graph, layer) for layer in range(graph.layers))
    attention, rotary = _only(graph, Role.ATTENTION), _only(graph, Role.ROTARY)
    norm, activation = _only(graph, Role.ATTENTION_NORM), _only(graph, Role.ACTIVATION)
    embed, final = _only(graph, Role.EMBED), _only(graph, Role.FINAL_NORM)
    return TrainedModel(
        hidden=graph.width,
        heads=attention.integer("heads"),
        kv_heads=attention.integer("kv_heads"),
        head_dim=attention.integer("head_dim"),
        ffn=graph.values[activation.output],
        vocabulary=graph.vocabulary,
        eps=norm.number("eps"),
        rotary_base=rotary.number("base"),
        score_scale=attention.number("scale"),
        activation=activation.text("kind"),
        layers=layers,
        final_norm=str(final.weight),
        embedding=str(embed.weight),
        head=str(graph.nodes[-1].weight),
    )


def _only(graph: ModelGraph, role: Role) -> Node:
    """Return the first node of a role; all others have the same constants (`_check`)."""
    return next(node for node in graph.nodes if node.role is role)


def _check(graph: ModelGraph, node: Node) -> None:
    wrong = None
    if node.role not in _KNOWN:
        wrong = node.role.label
    elif "bias" in node.attributes:
        wrong = "a bias"
    elif node.op in ("embed", "add", "matmul") and len(node.attributes):
        wrong = f"a {next(iter(node.attributes))}"
    elif node.op == "norm" and node.text("kind") != "rms":
        wrong = "a layer norm"
    elif node.op == "attention" and (node.number("softcap") or node.integer("window")):
        wrong = "an attention with a window or a soft cap"
    elif node.op == "rotary" and node.numbers("factors"):
        wrong = "a rotation with factors"
    elif node.attributes != _only(graph, node.role).attributes and node.op != "rotary":
        wrong = f"layers that differ in their {node.role.label}"
    if wrong:
        raise PlacementError(
            f"{graph.name}: node {node.name!r}: no instructions of a training program are known "
            f"for {wrong}; its training can be priced, not run"
        )


def _tensors(graph: ModelGraph, layer: int) -> LayerTensors:
    def names(role: Role) -> tuple[str, ...]:
        return tuple(
            str(node.weight) for node in graph.nodes if node.layer == layer and node.role is role
        )

    def name(role: Role) -> str:
        (only,) = names(role)
        return only

    return LayerTensors(
        name(Role.ATTENTION_NORM), names(Role.QKV), name(Role.OUT), name(Role.FFN_NORM),
        names(Role.GATE_UP), name(Role.DOWN),
    )  # fmt: skip
