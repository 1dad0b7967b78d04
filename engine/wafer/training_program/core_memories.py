"""CoreMemories: every core's words, filled from a model's tensors, and tensors read back from them.

The only place that knows which element of a tensor lies in which core.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from engine.wafer.training_program.attention_text import angles
from engine.wafer.training_program.training_program import TrainingProgram

__all__ = ["CoreMemories"]

Floats = NDArray[np.float32]


class CoreMemories:
    """The memories of a rectangle of cores.

    Args:
        program: What will run on them.
        tensors: By name, float32, (outputs, inputs) or (width,); a copy is taken.
    """

    def __init__(self, program: TrainingProgram, tensors: Mapping[str, Floats]) -> None:
        share = program.share
        self.program, self.share = program, share
        keys = share.column_order(share.model.kv_heads)
        self._orders = share.column_order(share.model.heads), keys, keys
        self.words = np.zeros((share.rows, share.columns, program.memory.words), np.float32)
        for name, tensor in self._stacked(tensors).items():
            self._view(name)[...] = tensor
        place = program.memory["angles"]
        tables = angles(share).astype(np.float32).reshape(share.parts, -1)
        for column in range(share.columns):
            table = tables[column % share.parts]
            self.words[:, column, place : place + table.size] = table

    def write_row(
        self, tokens: NDArray[np.int64], targets: NDArray[np.int64], counts: Floats
    ) -> None:
        """Write a row of the batch as the host does: (T,) each, ``counts`` their weights."""
        share, memory = self.share, self.program.memory
        one = np.zeros((share.tokens, share.model.vocabulary), np.float32)
        two = np.zeros_like(one)
        every = np.arange(share.tokens)
        one[every, tokens], two[every, targets] = 1.0, counts
        for name, table in (("tokens", one), ("targets", two)):
            first, size = memory.places[name]
            by_column = table.reshape(share.tokens, share.columns, share.words)
            self.words[0, :, first : first + size] = by_column.swapaxes(0, 1).reshape(
                share.columns, -1
            )
        first, size = memory.places["counts"]
        self.words[0, :, first : first + size] = counts

    def loss(self, counts: Floats) -> float:
        """Return Σ count · cross entropy of the row that was run, in nats."""
        first, size = self.program.memory.places["outcomes"]
        outcomes = self.words[0, 0, first : first + size].reshape(-1, 2).astype(np.float64)
        return float(np.sum(counts.astype(np.float64) * np.log(outcomes[:, 0]) - outcomes[:, 1]))

    def weights(self) -> dict[str, Floats]:
        """Return the tensors as they are now."""
        return self._tensors("")

    def gradients(self) -> dict[str, Floats]:
        """Return the sums of gradients as they are now."""
        return self._tensors("gradient ")

    # ── where elements lie ──────────────────────────────────────────────────────────────────

    def _view(self, name: str) -> Floats:
        """Return a stretch shaped (…) as `_stacked` has a tensor's elements; it can be written."""
        share = self.share
        first, size = self.program.memory.places[name]
        part = self.words[:, :, first : first + size]
        if name.endswith("norm"):
            return part[:, 0]
        if name.endswith((" o", " down")):  # inputs along columns
            shaped = part.reshape(share.rows, share.columns, -1, share.stream)
            return shaped.transpose(1, 2, 0, 3)
        return part.reshape(share.rows, share.columns, share.stream, -1).transpose(0, 2, 1, 3)

    def _stacked(self, tensors: Mapping[str, Floats]) -> dict[str, Floats]:
        """Return tensors by the name of their stretch, shaped as `_view`."""
        model = self.share.model
        found = {
            "final norm": self._vector(tensors[model.final_norm]),
            "head": self._by_outputs([tensors[model.head]]),
        }
        if not model.tied:
            found["embedding"] = self._by_outputs([tensors[model.embedding]])
        for number, layer in enumerate(model.layers):
            name = f"layer {number}"
            found[f"{name} attention norm"] = self._vector(tensors[layer.attention_norm])
            found[f"{name} ffn norm"] = self._vector(tensors[layer.ffn_norm])
            found[f"{name} qkv"] = self._by_outputs(
                [tensors[each][order] for each, order in zip(layer.qkv, self._orders, strict=True)]
            )
            found[f"{name} gate, up"] = self._by_outputs([tensors[each] for each in layer.gate_up])
            found[f"{name} o"] = self._by_inputs(tensors[layer.out][:, self._orders[0]])
            found[f"{name} down"] = self._by_inputs(tensors[layer.down])
        return found

    def _vector(self, tensor: Floats) -> Floats:
        return tensor.reshape(self.share.rows, -1)

    def _by_outputs(self, stack: list[Floats]) -> Floats:
        """Return a stack whose outputs lie along columns: (rows, inputs, columns, outputs)."""
        share = self.share
        parts = [
            each.reshape(share.columns, -1, share.rows, share.stream).transpose(2, 3, 0, 1)
            for each in stack
        ]
        return np.concatenate(parts, axis=3)

    def _by_inputs(self, tensor: Floats) -> Floats:
        """Return a matrix whose inputs lie along columns: (columns, inputs, rows, outputs)."""
        share = self.share
        shaped = tensor.reshape(share.rows, share.stream, share.columns, -1)
        return shaped.transpose(2, 3, 0, 1)

    def _tensors(self, prefix: str) -> dict[str, Floats]:
        """Return tensors read back from their stretches."""
        model = self.share.model
        found: dict[str, Floats] = {}
        names: dict[str, tuple[str, ...]] = {
            "final norm": (model.final_norm,),
            "head": (model.head,),
        }
        if not model.tied:
            names["embedding"] = (model.embedding,)
        for number, layer in enumerate(model.layers):
            names |= {
                f"layer {number} attention norm": (layer.attention_norm,),
                f"layer {number} ffn norm": (layer.ffn_norm,),
                f"layer {number} qkv": layer.qkv,
                f"layer {number} gate, up": layer.gate_up,
                f"layer {number} o": (layer.out,),
                f"layer {number} down": (layer.down,),
            }
        for stretch, tensors in names.items():
            found |= self._split(stretch, self._view(prefix + stretch), tensors)
        return found

    def _split(self, stretch: str, view: Floats, names: tuple[str, ...]) -> dict[str, Floats]:
        """Return the tensors of a stack, (outputs, inputs) each."""
        if stretch.endswith("norm"):
            return {names[0]: view.reshape(-1).copy()}
        if stretch.endswith((" o", " down")):
            matrix = view.transpose(2, 3, 0, 1).reshape(self.share.model.hidden, -1).copy()
            if stretch.endswith(" o"):
                matrix = matrix[:, np.argsort(self._orders[0])]
            return {names[0]: matrix}
        share, begin = self.share, 0
        parts: dict[str, Floats] = {}
        widths = {1: [view.shape[3]], 2: [share.ffn, share.ffn],
                  3: [share.queries, share.keys, share.keys]}[len(names)]  # fmt: skip
        for name, width in zip(names, widths, strict=True):
            part = view[:, :, :, begin : begin + width].transpose(2, 3, 0, 1)
            parts[name] = part.reshape(share.columns * width, -1).copy()
            begin += width
        if len(names) == 3:
            for name, order in zip(names, self._orders, strict=True):
                parts[name] = parts[name][np.argsort(order)]
        return parts
