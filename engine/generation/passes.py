"""A pass of the model whose rows are chosen from one after the other, as long as guesses are right.

Pure data about one call of a runner; computes and rewinds nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.generation.speculation import Guess

__all__ = ["Pass"]


@dataclass(slots=True)
class Pass:
    """One call of the runner, and the tokens chosen from it so far."""

    number: int
    """Its place among the steps of its generation, from 0."""
    position: int
    """Rows in the KV cache before it."""
    rows: int
    """Tokens appended, guessed ones included."""
    decode: bool
    seconds: float
    """Host time."""
    logits: NDArray[np.float32]
    """Of the last rows, float32, (1 + guessed, V)."""
    guessed: Sequence[int] = ()
    """The tokens of all rows with logits but the first."""
    guesses: Sequence[Guess] = ()
    """All that was guessed before the pass, to learn from."""
    chosen: list[int] = field(default_factory=list)
    """Tokens chosen from its logits."""

    @property
    def current(self) -> NDArray[np.float32]:
        """The logits to choose from now, (V,)."""
        row: NDArray[np.float32] = self.logits[len(self.chosen)]
        return row

    @property
    def row(self) -> int:
        """The row of the pass that the next token is chosen from."""
        return self.rows - len(self.logits) + len(self.chosen)

    @property
    def goes_on(self) -> bool:
        """Whether the token chosen last was guessed, so that its row is here already."""
        at = len(self.chosen) - 1
        return 0 <= at < len(self.guessed) and self.guessed[at] == self.chosen[at]

    @property
    def end(self) -> int:
        """Rows of the KV cache that stand for tokens known to be right: chosen but the last."""
        right = max(len(self.chosen), 1)
        return self.position + self.rows - len(self.guessed) + right - 1
