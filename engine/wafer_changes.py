"""WaferChanges: what a person changes of a machine, and of how a model lies on it.

Prices nothing.  Light, as a message is: both ends of the connection and the wafer use it.
"""

import msgspec

from engine.errors import PlacementError

__all__ = ["UNCHANGED", "WAVELET_BITS", "WaferChanges"]

WAVELET_BITS = 32
"""Bits of a wavelet, which a link carries in a cycle.  Source: Cerebras SDK documentation."""

_MOST = 1 << 30
"""Of anything that is counted here."""


class WaferChanges(msgspec.Struct, frozen=True):
    """Numbers that take the place of a machine's and of the planner's; 0: as they are."""

    sram_bytes: int = 0
    """Of a core."""
    link_bits: int = 0
    """That a core sends in the time of one wavelet of `WAVELET_BITS`.  The adder stays as it is: a
    sum still takes a word at a time."""
    wafers: int = 1
    """More than one is priced, and never run."""
    columns: int = 0
    """Of a block of layers; together with ``rows``."""
    rows: int = 0
    blocks: int = 0
    """Blocks that the layers are split over."""
    group: int = 0
    """Cores of a group in every sum across cores, as in `Shape.group`."""

    def __bool__(self) -> bool:
        """Whether anything is changed."""
        return self != UNCHANGED

    @property
    def block(self) -> tuple[int, int] | None:
        """(columns, rows) of a block; None: the planner's choice."""
        return (self.columns, self.rows) if self.columns else None

    @property
    def words(self) -> str:
        """What is changed, for a person: ``"96 KiB SRAM, groups of 8"``."""
        said = (
            (self.sram_bytes, f"{self.sram_bytes / 1024:g} KiB SRAM"),
            (self.link_bits, f"{self.link_bits}-bit links"),
            (self.wafers > 1, f"{self.wafers} wafers"),
            (self.columns, f"blocks of {self.columns} × {self.rows}"),
            (self.blocks, f"{self.blocks} blocks"),
            (self.group, f"groups of {self.group}"),
        )
        return ", ".join(words for changed, words in said if changed)

    def check(self) -> None:
        """Refuse numbers that nothing can have.

        Raises:
            PlacementError: One is negative or beyond counting, there is no wafer, or a block has
                columns and no rows, or rows and no columns.
        """
        for name in self.__struct_fields__:
            if not 0 <= getattr(self, name) <= _MOST:
                raise PlacementError(f"{name} is {getattr(self, name)}: it must be 0 to {_MOST:,}")
        if not self.wafers:
            raise PlacementError("0 wafers asked for: a model needs one")
        if bool(self.columns) != bool(self.rows):
            raise PlacementError(
                f"a block of {self.columns} × {self.rows}: give both columns and rows, or neither"
            )


UNCHANGED = WaferChanges()
"""Everything as it is."""
