"""The tables of a Program as the compiler fills them: buffers, matrices, orders, kinds of nodes.

Knows where a value of the graph lies, and that a buffer is not written while somebody still reads
it; prices nothing and knows no region.
"""

from collections.abc import Sequence
from typing import TypeVar

from engine.errors import PlacementError
from engine.model.graph import ModelGraph, Node
from engine.model.sum_orders import ReduceOrder
from engine.model.tensors.tensor import Format
from engine.wafer.program.program import (
    Activation,
    Attention,
    Buffer,
    Matrix,
    Norm,
    Rotary,
    Scaling,
)

__all__ = ["Tables"]

_T = TypeVar("_T")


class Tables:
    """Everything that instructions point into, as it grows."""

    def __init__(self, graph: ModelGraph) -> None:
        self.graph = graph
        self.buffers: list[Buffer] = []
        self.matrices: list[Matrix] = []
        self.orders: list[ReduceOrder] = []
        self.norms: list[Norm] = []
        self.rotaries: list[Rotary] = []
        self.attentions: list[Attention] = []
        self.activations: list[Activation] = []
        self.scalings: list[Scaling] = []
        self._place: dict[str, tuple[str, int]] = {}  # value → (buffer, offset)
        self._read_until: dict[str, int] = {}  # buffer → number of the last node that reads it
        self._last_reader = {
            value: number for number, node in enumerate(graph.nodes) for value in node.inputs
        }
        self._number = {node.name: number for number, node in enumerate(graph.nodes)}

    # ── values ──────────────────────────────────────────────────────────────────────────────

    def read(self, *values: str) -> int:
        """Return the index of the buffer in which values lie side by side from its start.

        Raises:
            PlacementError: They do not.
        """
        (buffer, _), end = self._place[values[0]], 0
        for value in values:
            if self._place[value] != (buffer, end):
                raise PlacementError(
                    f"{', '.join(values)}: read together, but not side by side from the start of "
                    f"the buffer {buffer!r}"
                )
            end += self.graph.values[value]
        return self._index_of(buffer)

    def write(self, nodes: list[Node]) -> int:
        """Give the outputs of nodes of one role a buffer, side by side, and return its index.

        Layers share buffers by role; a value that is still read keeps its own.
        """
        name = self._free(nodes[0])
        offset = 0
        for node in nodes:
            self._put(node, name, offset)
            offset += self.graph.values[node.output]
        if all(buffer.name != name for buffer in self.buffers):
            self.buffers.append(Buffer(name, offset))
        return self._index_of(name)

    def write_in_place(self, nodes: list[Node]) -> int:
        """Let the outputs of nodes lie where their inputs lie, and return the buffer's index.

        Raises:
            PlacementError: The inputs do not lie side by side from the buffer's start.
        """
        buffer = self.read(*(node.inputs[0] for node in nodes))
        for node in nodes:
            self._put(node, *self._place[node.inputs[0]])
        return buffer

    def _free(self, node: Node) -> str:
        """Return the first buffer of a node's role that nobody reads from now on."""
        label, copies = node.role.label, 1
        name = label
        while self._read_until.get(name, -1) >= self._number[node.name]:
            copies += 1
            name = f"{label} {copies}"
        return name

    def _put(self, node: Node, buffer: str, offset: int) -> None:
        """Note where a node's output lies and how long somebody reads it."""
        self._place[node.output] = (buffer, offset)
        last = self._last_reader.get(node.output, -1)
        self._read_until[buffer] = max(last, self._read_until.get(buffer, -1))

    def _index_of(self, name: str) -> int:
        return [buffer.name for buffer in self.buffers].index(name)

    # ── what nodes share ────────────────────────────────────────────────────────────────────

    def matrix(self, nodes: list[Node], formats: Sequence[Format]) -> int:
        """Return the index of a new matrix of the nodes' weights, stacked, each in its format."""
        tensors = tuple(str(node.weight) for node in nodes)
        shapes = [self.graph.weights[name] for name in tensors]
        widths = tuple(1 if len(shape) == 1 else shape[0] for shape in shapes)
        names = tuple(format.name for format in formats)
        self.matrices.append(Matrix(tensors, names, widths, shapes[0][-1]))
        return len(self.matrices) - 1

    def vector(self, tensors: Sequence[str], formats: Sequence[Format]) -> int:
        """Return the index of vectors that lie side by side, as one matrix of one output."""
        inputs = sum(self.graph.weights[name][0] for name in tensors)
        names = tuple(format.name for format in formats)
        return _index(self.matrices, Matrix(tuple(tensors), names, (1,), inputs))

    def order(self, order: ReduceOrder) -> int:
        """Return the index of a reduction order."""
        return _index(self.orders, order)

    def norm(self, node: Node, heads: tuple[int, ...] = ()) -> int:
        """Return the index of a norm's kind, of whole values or of the heads of several."""
        return _index(self.norms, Norm(node.text("kind"), node.number("eps"), heads))

    def rotary(self, node: Node) -> int:
        """Return the index of a rotation's kind."""
        kind = Rotary(
            kind=node.text("kind"),
            base=node.number("base"),
            head_dim=node.integer("head_dim"),
            factors=node.numbers("factors"),
        )
        return _index(self.rotaries, kind)

    def attention(self, node: Node, dim_parts: int) -> int:
        """Return the index of an attention's kind, with ``dim_parts`` cores to a head."""
        kind = Attention(
            kind=node.text("kind"),
            heads=node.integer("heads"),
            kv_heads=node.integer("kv_heads"),
            head_dim=node.integer("head_dim"),
            scale=node.number("scale"),
            window=node.integer("window"),
            softcap=node.number("softcap"),
            dim_parts=dim_parts,
        )
        return _index(self.attentions, kind)

    def activation(self, node: Node) -> int:
        """Return the index of an activation's kind."""
        return _index(self.activations, Activation(node.text("kind"), len(node.inputs) == 2))

    def scaling(self, node: Node) -> int:
        """Return the index of a node's scale and cap, −1 if it has neither."""
        if not {"scale", "softcap"} & set(node.attributes):
            return -1
        scale, cap = (
            node.number(name) if name in node.attributes else without
            for name, without in (("scale", 1.0), ("softcap", 0.0))
        )
        return _index(self.scalings, Scaling(scale, cap))


def _index(table: list[_T], entry: _T) -> int:
    """Return where an entry lies in a table, at its end if it is new."""
    if entry not in table:
        table.append(entry)
    return table.index(entry)
