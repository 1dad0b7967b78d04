"""ModelGraph: a transformer as a list of generic operations, the only thing a compiler reads.

Frozen data and its checks.  Nothing here knows a family, a tensor's numbers or a machine.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from types import MappingProxyType

from engine.errors import ModelError
from engine.model.roles import Role

__all__ = ["OPERATIONS", "Attribute", "ModelGraph", "Node"]

Attribute = int | float | str | tuple[float, ...]

OPERATIONS = MappingProxyType(
    {
        "embed": (0,),
        "norm": (1,),
        "matmul": (1,),
        "rotary": (1,),
        "attention": (3,),
        "gate": (1, 2),
        "add": (2,),
    }
)
"""Every operation with the numbers of inputs it takes; `embed` reads the step's tokens."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation on values of fixed width, the same for every row of a step.

    Attributes by operation, optional ones in brackets:

    - ``embed``: [scale], a factor of its rows.
    - ``norm``: kind (``"rms"``, or ``"layer"``, which takes the mean away first), eps, [bias]
      (a tensor's name; layer norms only); a `Role.HEAD_NORM`'s heads: as many RMS norms of equal
      parts, with one weight.
    - ``matmul``: [bias] (a tensor's name); the head's [scale], a factor of the logits, and then
      [softcap]: cap · tanh(logit / cap).
    - ``rotary``: kind ``"half"`` (pairs i, i + D/2), base, head_dim, heads, [factors]: D/2 numbers,
      pair i turns by position · base^(−2i/D) / factors[i].
    - ``attention``: kind ``"causal"``, heads, kv_heads, head_dim, scale, window (0: all positions;
      w: position i sees j ≤ i with i − j < w), softcap (0.0: none; else scores become
      cap · tanh(score · scale / cap)).
    - ``gate``: kind ``"silu"`` or ``"gelu"``; of inputs (gate, up) it is kind(gate) × up, of one
      input kind(x).  gelu(x) = 0.5 · x · (1 + tanh(√(2/π) · (x + 0.044715 · x³))).
    - ``add``: [scale], a factor of the right input: left + right · scale.

    Raises:
        ModelError: The operation takes another number of inputs.
    """

    name: str
    """Unique in its graph: ``"layer 0.attention"``."""
    role: Role
    """What it is for; decides the operation."""
    inputs: tuple[str, ...]
    """Names of the values read."""
    output: str
    """Name of the value written; every value is written once."""
    weight: str | None = None
    """Name of the weight tensor, as in the weight file."""
    layer: int | None = None
    """Layer the node belongs to; None for embedding, last norm and head."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    """Constants of the operation; read-only."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "attributes", MappingProxyType(dict(self.attributes)))
        if len(self.inputs) not in OPERATIONS[self.op]:
            takes = " or ".join(map(str, OPERATIONS[self.op]))
            raise ModelError(
                f"node {self.name!r}: {self.op} takes {takes} inputs, not {len(self.inputs)}"
            )

    @property
    def op(self) -> str:
        """A key of `OPERATIONS`."""
        return self.role.op

    @property
    def tensors(self) -> tuple[str, ...]:
        """Names of its tensors: weight, bias."""
        names = () if self.weight is None else (self.weight,)
        return (*names, self.text("bias")) if "bias" in self.attributes else names

    def integer(self, name: str) -> int:
        """Return a whole-number attribute."""
        return int(self._scalar(name))

    def number(self, name: str) -> float:
        """Return a number attribute."""
        return float(self._scalar(name))

    def numbers(self, name: str) -> tuple[float, ...]:
        """Return an attribute of several numbers; none where the node has no such attribute."""
        value = self.attributes.get(name, ())
        if not isinstance(value, tuple):
            raise ModelError(f"node {self.name!r}: {name} is {value!r}, not several numbers")
        return value

    def text(self, name: str) -> str:
        """Return a text attribute."""
        return str(self._attribute(name))

    def _scalar(self, name: str) -> int | float | str:
        value = self._attribute(name)
        if isinstance(value, tuple):
            raise ModelError(f"node {self.name!r}: {name} is several numbers, not one")
        return value

    def _attribute(self, name: str) -> Attribute:
        if name not in self.attributes:
            raise ModelError(f"node {self.name!r}: {self.op} needs the attribute {name!r}")
        return self.attributes[name]


@dataclass(frozen=True, slots=True)
class ModelGraph:
    """A model: nodes in an order in which they can run, widths of values, shapes of tensors.

    Raises:
        ModelError: A node reads a value nobody wrote before, a name is used twice, or widths and
            weight shapes do not agree; the message names the node and the numbers.
    """

    name: str
    nodes: tuple[Node, ...]
    values: Mapping[str, int]
    """Width of every value by name."""
    weights: Mapping[str, tuple[int, ...]]
    """Shape of every tensor by name: (N, K) for matrices, N outputs, K inputs; (N,) for vectors."""
    layers: int
    width: int
    """Width of the residual stream."""
    vocabulary: int
    context_length: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", MappingProxyType(dict(self.values)))
        object.__setattr__(self, "weights", MappingProxyType(dict(self.weights)))
        _check_names(self)
        _check_weights_used(self)
        for node in self.nodes:
            _CHECKS[node.op](self, node)
        if not self.nodes or self.values[self.nodes[-1].output] != self.vocabulary:
            raise ModelError(
                f"graph {self.name!r}: the last node must write the {self.vocabulary} logits"
            )

    @property
    def logits(self) -> str:
        """Name of the value that holds the logits."""
        return self.nodes[-1].output

    @property
    def parameters(self) -> int:
        """Number of weights; a tensor that is used twice counts once."""
        total = 0
        for shape in self.weights.values():
            size = 1
            for length in shape:
                size *= length
            total += size
        return total

    def with_layers(self, *kept: int) -> "ModelGraph":
        """Return the graph of some of its layers, between the embedding and the head.

        Args:
            kept: Their numbers, ascending; in the new graph they count from 0.

        What read a layer that is gone reads the kept one before it, or the embedding.
        """
        layer_of = {node.output: node.layer for node in self.nodes}
        entering = self._entering(kept)

        def source(node: Node, value: str) -> str:
            return value if layer_of[value] in (None, node.layer) else entering[node.layer]

        nodes = tuple(
            replace(
                node,
                inputs=tuple(source(node, value) for value in node.inputs),
                layer=None if node.layer is None else kept.index(node.layer),
            )
            for node in self.nodes
            if node.layer is None or node.layer in kept
        )
        tensors = {name for node in nodes for name in node.tensors}
        return replace(
            self,
            layers=len(kept),
            nodes=nodes,
            values={node.output: self.values[node.output] for node in nodes},
            weights={name: shape for name, shape in self.weights.items() if name in tensors},
        )

    def _entering(self, kept: Sequence[int]) -> dict[int | None, str]:
        """Return the value that each kept layer reads from before it, and what follows them all."""
        layer_of = {node.output: node.layer for node in self.nodes}
        leaving = {
            layer_of[value]: value
            for node in self.nodes
            for value in node.inputs
            if layer_of[value] != node.layer
        }
        embedded = next(node.output for node in self.nodes if node.role is Role.EMBED)
        before = [embedded, *(leaving[layer] for layer in kept)]
        return dict(zip((*kept, None), before, strict=True))

    def describe(self) -> str:
        """Return a listing for people, one node a line: output[width] = op(inputs) weight."""
        lines = [
            f"{self.name}: {self.layers} layers, width {self.width}, vocabulary "
            f"{self.vocabulary}, context {self.context_length}, {self.parameters:,} parameters"
        ]
        lines += [_line(self, node) for node in self.nodes]
        return "\n".join(lines)


def _line(graph: ModelGraph, node: Node) -> str:
    parts = [f"{node.output}[{graph.values[node.output]}] = {node.op}({', '.join(node.inputs)})"]
    if node.weight is not None:
        shape = " × ".join(map(str, graph.weights[node.weight]))
        parts.append(f"{node.weight} ({shape})")
    parts += [f"{key}={_shown(value)}" for key, value in node.attributes.items()]
    return "  ".join(parts)


def _shown(value: Attribute) -> str:
    if isinstance(value, tuple):
        return f"{min(value):g}…{max(value):g} ({len(value)})"
    return str(value)


def _check_names(graph: ModelGraph) -> None:
    written: set[str] = set()
    names: set[str] = set()
    for node in graph.nodes:
        for value in node.inputs:
            if value not in written:
                raise ModelError(f"node {node.name!r} reads {value!r} before it is written")
        if node.output in written or node.name in names:
            raise ModelError(f"node {node.name!r}: its name or output is used twice")
        if graph.values.get(node.output, 0) < 1:
            raise ModelError(f"node {node.name!r}: value {node.output!r} has no width")
        written.add(node.output)
        names.add(node.name)
    if unwritten := set(graph.values) - written:
        raise ModelError(f"graph {graph.name!r}: no node writes {sorted(unwritten)}")


def _check_weights_used(graph: ModelGraph) -> None:
    used = {name for node in graph.nodes for name in node.tensors}
    if used != set(graph.weights):
        raise ModelError(
            f"graph {graph.name!r}: tensors without a shape: {sorted(used - set(graph.weights))}; "
            f"shapes without a user: {sorted(set(graph.weights) - used)}"
        )


def _require(node: Node, what: str, found: object, expected: object) -> None:
    if found != expected:
        raise ModelError(f"node {node.name!r} ({node.op}): {what} is {found}, not {expected}")


def _widths(graph: ModelGraph, node: Node) -> tuple[list[int], int]:
    return [graph.values[name] for name in node.inputs], graph.values[node.output]


def _shape(graph: ModelGraph, node: Node) -> tuple[int, ...]:
    if node.weight is None:
        raise ModelError(f"node {node.name!r}: {node.op} needs a weight")
    return graph.weights[node.weight]


def _check_embed(graph: ModelGraph, node: Node) -> None:
    _, out = _widths(graph, node)
    _require(node, "weight shape", _shape(graph, node), (graph.vocabulary, out))
    _require(node, "output width", out, graph.width)
    if "scale" in node.attributes:
        _require_above(node, "scale")


def _check_norm(graph: ModelGraph, node: Node) -> None:
    (width,), out = _widths(graph, node)
    _require(node, "output width", out, width)
    heads = node.integer("heads") if node.role is Role.HEAD_NORM else 1
    _require(node, "width mod heads", width % heads, 0)
    _require(node, "weight shape", _shape(graph, node), (width // heads,))
    _require_above(node, "eps")
    if node.role is Role.HEAD_NORM or node.text("kind") != "layer":
        _require(node, "kind", node.text("kind"), "rms")
        _require(node, "bias", node.attributes.get("bias"), None)
    _check_bias(graph, node, out)


def _check_matmul(graph: ModelGraph, node: Node) -> None:
    (width,), out = _widths(graph, node)
    _require(node, "weight shape", _shape(graph, node), (out, width))
    _check_bias(graph, node, out)
    for name in ("scale", "softcap"):
        if name in node.attributes:
            _require(node, f"role of a product with {name}", node.role, Role.HEAD)
            _require_above(node, name)


def _check_bias(graph: ModelGraph, node: Node, width: int) -> None:
    if "bias" in node.attributes:
        _require(node, "bias shape", graph.weights[node.text("bias")], (width,))


def _require_above(node: Node, name: str) -> None:
    if not 0.0 < node.number(name) < inf:
        raise ModelError(f"node {node.name!r}: {name} is {node.number(name)}, not above 0")


def _check_rotary(graph: ModelGraph, node: Node) -> None:
    (width,), out = _widths(graph, node)
    _require(node, "output width", out, width)
    _require(node, "kind", node.text("kind"), "half")
    _require(node, "heads × head_dim", node.integer("heads") * node.integer("head_dim"), width)
    _require(node, "head_dim mod 2", node.integer("head_dim") % 2, 0)
    _require_above(node, "base")
    if factors := node.numbers("factors"):
        _require(node, "number of factors", len(factors), node.integer("head_dim") // 2)
        if not all(0.0 < factor < inf for factor in factors):
            raise ModelError(f"node {node.name!r}: a factor is not above 0: {factors}")


def _check_attention(graph: ModelGraph, node: Node) -> None:
    (q, k, v), out = _widths(graph, node)
    heads, kv_heads = node.integer("heads"), node.integer("kv_heads")
    head_dim = node.integer("head_dim")
    _require(node, "kind", node.text("kind"), "causal")
    _require(node, "query width", q, heads * head_dim)
    _require(node, "key width", k, kv_heads * head_dim)
    _require(node, "value width", v, kv_heads * head_dim)
    _require(node, "output width", out, q)
    _require(node, "heads mod kv_heads", heads % kv_heads, 0)
    for name in ("scale", "window", "softcap"):
        if not 0.0 <= node.number(name) < inf:
            raise ModelError(f"node {node.name!r}: {name} is {node.number(name)}, below 0")


def _check_gate(graph: ModelGraph, node: Node) -> None:
    widths, out = _widths(graph, node)
    _require(node, "input widths", widths, [out] * len(widths))
    if node.text("kind") not in ("silu", "gelu"):
        _require(node, "kind", node.text("kind"), "silu or gelu")


def _check_add(graph: ModelGraph, node: Node) -> None:
    (left, right), out = _widths(graph, node)
    _require(node, "input widths", (left, right), (out, out))
    if "scale" in node.attributes:
        _require_above(node, "scale")


_CHECKS: Mapping[str, Callable[[ModelGraph, Node], None]] = {
    "embed": _check_embed,
    "norm": _check_norm,
    "matmul": _check_matmul,
    "rotary": _check_rotary,
    "attention": _check_attention,
    "gate": _check_gate,
    "add": _check_add,
}
