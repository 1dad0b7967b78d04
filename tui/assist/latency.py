"""How long after a request its answer comes, where a replay only pretends: a fixed table.

The same for every question, so that figures do not depend on the computer that makes them.
`scripts/bench_typing.py` measures such a table for a model.
"""

from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from engine.plain_files import read_plain

__all__ = ["ASSUMED", "Latency", "read_latency"]


@dataclass(frozen=True, slots=True)
class Latency:
    """When the texts of an answer come."""

    model: str
    """Whose times these are, and where from."""
    first_text_ms: float
    """From a request to the first text of its answer."""
    latency_ms: tuple[tuple[int, float], ...]
    """(tokens, ms): how long after its request an answer of at most so many tokens is complete.
    The last row serves longer ones, too."""

    def __post_init__(self) -> None:
        """Refuse a table that runs backwards.

        Raises:
            ValueError: It has no row, or one with fewer tokens or less time than the one before.
        """
        rows = ((0, self.first_text_ms), *self.latency_ms)
        if len(rows) < 2 or self.first_text_ms < 0:
            raise ValueError("a latency table has a time of the first text and one row at least")
        for (less, earlier), (more, later) in pairwise(rows):
            if more <= less or later < earlier:
                raise ValueError(
                    f"{more} tokens in {later} ms after {less} in {earlier}: the rows of a latency "
                    "table go up, and none is before the first text"
                )

    def answer_ms(self, tokens: int) -> float:
        """Return how long after its request an answer of ``tokens`` tokens is complete."""
        rows = self.latency_ms
        return next((ms for most, ms in rows if tokens <= most), rows[-1][1])

    def described(self) -> dict[str, Any]:
        """Return the table for JSON."""
        return asdict(self)


ASSUMED = Latency("assumed", 40, ((8, 60), (16, 90), (32, 150), (64, 280), (512, 1500)))
"""About 4 ms a token: a small model on an ordinary computer."""


_LARGEST_FILE = 1 << 20


def read_latency(path: Path) -> Latency:
    """Return the table in a JSON file with the fields of `Latency`.

    Raises:
        ValueError: The file holds something else.
        OSError: It cannot be read.
    """
    try:
        return msgspec.json.decode(read_plain(path, _LARGEST_FILE), type=Latency)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from error
