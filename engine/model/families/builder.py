"""GraphBuilder: collects the nodes of a graph, with the widths and shapes that follow from them.

One method for each operation, its attributes as arguments; knows no configuration and no family.
"""

from engine.model.graph import Attribute, ModelGraph, Node
from engine.model.roles import Role

__all__ = ["GraphBuilder"]


class GraphBuilder:
    """A graph as it grows.  Every method that adds a node returns the name of its value."""

    def __init__(self) -> None:
        self.layer: int | None = None
        """Layer of the nodes to come; None before and after the layers."""
        self._nodes: list[Node] = []
        self._values: dict[str, int] = {}
        self._weights: dict[str, tuple[int, ...]] = {}

    def embed(self, weight: str, vocabulary: int, width: int, *, scale: float | None = None) -> str:
        """Add the lookup of the step's tokens, its rows perhaps multiplied by ``scale``."""
        self._weights[weight] = (vocabulary, width)
        attributes: dict[str, Attribute] = {} if scale is None else {"scale": scale}
        return self._add("embed", Role.EMBED, (), width, weight, attributes)

    def norm(self, name: str, role: Role, value: str, weight: str, *, eps: float) -> str:
        """Add an RMS norm of a whole value."""
        width = self._values[value]
        self._weights[weight] = (width,)
        return self._add(name, role, (value,), width, weight, {"kind": "rms", "eps": eps})

    def layer_norm(
        self, name: str, role: Role, value: str, weight: str, *, bias: str, eps: float
    ) -> str:
        """Add a layer norm of a whole value."""
        width = self._values[value]
        self._weights |= {weight: (width,), bias: (width,)}
        attributes: dict[str, Attribute] = {"kind": "layer", "eps": eps, "bias": bias}
        return self._add(name, role, (value,), width, weight, attributes)

    def head_norm(self, name: str, value: str, weight: str, *, heads: int, eps: float) -> str:
        """Add the RMS norms of a value's heads, which share a weight."""
        width = self._values[value]
        self._weights[weight] = (width // heads,)
        attributes: dict[str, Attribute] = {"kind": "rms", "eps": eps, "heads": heads}
        return self._add(name, Role.HEAD_NORM, (value,), width, weight, attributes)

    def matmul(
        self,
        name: str,
        role: Role,
        value: str,
        width: int,
        weight: str,
        *,
        bias: str | None = None,
    ) -> str:
        """Add a product with a matrix, perhaps with a bias."""
        self._weights[weight] = (width, self._values[value])
        attributes: dict[str, Attribute] = {}
        if bias is not None:
            self._weights[bias] = (width,)
            attributes["bias"] = bias
        return self._add(name, role, (value,), width, weight, attributes)

    def rotary(
        self, name: str, value: str, *, heads: int, base: float, factors: tuple[float, ...] = ()
    ) -> str:
        """Add the rotation of a value's heads by their position, perhaps slowed by factors."""
        width = self._values[value]
        attributes: dict[str, Attribute] = {
            "kind": "half",
            "base": base,
            "head_dim": width // heads,
            "heads": heads,
        }
        if factors:
            attributes["factors"] = factors
        return self._add(name, Role.ROTARY, (value,), width, None, attributes)

    def attention(
        self,
        name: str,
        inputs: tuple[str, str, str],
        *,
        heads: int,
        scale: float,
        window: int = 0,
        softcap: float = 0.0,
    ) -> str:
        """Add an attention of ``heads`` query heads; inputs are queries, keys and values."""
        queries, keys, _ = inputs
        width = self._values[queries]
        head_dim = width // heads
        attributes: dict[str, Attribute] = {
            "kind": "causal",
            "heads": heads,
            "kv_heads": self._values[keys] // head_dim,
            "head_dim": head_dim,
            "scale": scale,
            "window": window,
            "softcap": softcap,
        }
        return self._add(name, Role.ATTENTION, inputs, width, None, attributes)

    def activation(self, name: str, gate: str, up: str | None = None, *, kind: str) -> str:
        """Add the activation ``"silu"`` or ``"gelu"`` of ``gate``, times ``up`` if there is one."""
        inputs = (gate,) if up is None else (gate, up)
        return self._add(name, Role.ACTIVATION, inputs, self._values[gate], None, {"kind": kind})

    def add(
        self, name: str, role: Role, left: str, right: str, *, scale: float | None = None
    ) -> str:
        """Add the sum of two values, the right one perhaps multiplied by ``scale``."""
        attributes: dict[str, Attribute] = {} if scale is None else {"scale": scale}
        return self._add(name, role, (left, right), self._values[left], None, attributes)

    def head(
        self,
        value: str,
        vocabulary: int,
        weight: str,
        *,
        scale: float | None = None,
        softcap: float | None = None,
    ) -> str:
        """Add the product with the vocabulary, which ends the graph.

        Its logits may be multiplied by ``scale``, then capped.
        """
        self._weights[weight] = (vocabulary, self._values[value])
        constants = {"scale": scale, "softcap": softcap}
        attributes: dict[str, Attribute] = {
            name: constant for name, constant in constants.items() if constant is not None
        }
        return self._add(
            "head", Role.HEAD, (value,), vocabulary, weight, attributes, output="logits"
        )

    def graph(self, name: str, *, layers: int, context_length: int) -> ModelGraph:
        """Return the graph of all nodes so far, from the embedding to the head.

        Raises:
            ModelError: It cannot run.
        """
        return ModelGraph(
            name=name,
            nodes=tuple(self._nodes),
            values=self._values,
            weights=self._weights,
            layers=layers,
            width=self._values[self._nodes[0].output],
            vocabulary=self._values[self._nodes[-1].output],
            context_length=context_length,
        )

    def _add(
        self,
        name: str,
        role: Role,
        inputs: tuple[str, ...],
        width: int,
        weight: str | None,
        attributes: dict[str, Attribute],
        *,
        output: str | None = None,
    ) -> str:
        output = output or name
        self._nodes.append(Node(name, role, inputs, output, weight, self.layer, attributes))
        self._values[output] = width
        return output
