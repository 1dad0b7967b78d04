"""Cores of the wafer: which cells of them are watched, and what is asked and told of single ones.

Bytes; wafer cycles; (column, row) on the wafer, origin north-west.  Depends on msgspec only.
"""

import msgspec

__all__ = [
    "MOST_CELLS",
    "ColorAtCore",
    "CoreAsked",
    "CoreMoment",
    "CoreTold",
    "MarkInterval",
    "Still",
    "StillAsked",
    "TileOfCore",
    "WatchedCores",
]

MOST_CELLS = 1 << 18
"""Cells of cores that a client can watch: more than the largest terminals have half-blocks."""
_LONGEST_SIDE = 1 << 20


class WatchedCores(msgspec.Struct, frozen=True):
    """A rectangle of cores, divided into cells of which each is watched as a whole.

    (column, row) on the wafer, origin north-west.  The core in column c of the rectangle belongs to
    column ⌊c · columns ÷ width⌋ of the cells, and likewise down.
    """

    x: int
    y: int
    width: int
    height: int
    columns: int
    rows: int

    @property
    def sound(self) -> bool:
        """Whether there can be such a rectangle, in no more cells than anybody draws."""
        sides = self.width, self.height, self.columns, self.rows
        return (
            all(1 <= side <= _LONGEST_SIDE for side in sides)
            and all(0 <= place <= _LONGEST_SIDE for place in (self.x, self.y))
            and self.columns * self.rows <= MOST_CELLS
        )


# ── asked ───────────────────────────────────────────────────────────────────────────────────


class StillAsked(msgspec.Struct, tag=True, frozen=True):
    """Ask for a number of every cell of a map that no interval tells: `Still`, or `Failed`.

    A client's newer one takes the place of an older one that was not answered.
    """

    session: int
    request_id: int
    """As in `Complete`; one number is never used for both."""
    what: str
    """``"sram"``: bytes of SRAM in use.  ``"links"``: wavelets that routers hand to neighbours for
    a token at the position.  ``"age"``: cycles between the last work of the cell's latest core and
    the end of a token, with one KV row in every core; −1 without a core.  ``"states"``: cycles by
    state of one decoded token at the position.  ``"marked"``: those of the interval that
    `MarkInterval` kept.  All but ages are sums over a cell's cores."""
    cores: WatchedCores
    machine: str = ""
    """Of the same model on another machine, by its name; not with ``"marked"``."""


class MarkInterval(msgspec.Struct, tag=True, frozen=True):
    """Keep the last interval with cycles, to be compared with later ones."""

    session: int


class CoreAsked(msgspec.Struct, tag=True, frozen=True):
    """Ask what one core holds, passes on and runs: `CoreTold`, or `Failed`."""

    session: int
    request_id: int
    """As in `Complete`; one number is never used for both."""
    x: int
    y: int
    position: int | None = None
    """KV rows before a token whose cycles are to be told as well; None: there is none."""


# ── told ────────────────────────────────────────────────────────────────────────────────────


class Still(msgspec.Struct, tag=True, frozen=True):
    """The answer to a `StillAsked`."""

    request_id: int
    what: str
    cores: WatchedCores
    machine: str
    position: int
    """KV rows before the token that it is about."""
    values: bytes
    """Row by row, little-endian int64: one a cell, six by state for ``"states"`` and ``"marked"``;
    empty where nothing was marked."""
    session: int = 1


class TileOfCore(msgspec.Struct, frozen=True):
    """A core's part of one tensor (outputs, inputs)."""

    tensor: str
    format: str
    """Name of its weight format."""
    inputs: tuple[int, int]
    """First input and the one after the last."""
    outputs: tuple[tuple[int, int], ...]
    """Runs of outputs, each by its first and the one after its last."""
    bytes: int


class ColorAtCore(msgspec.Struct, frozen=True):
    """One color at a router, named by its pattern."""

    name: str
    core_takes: bool
    core_gives: bool
    """Where neither: it only passes."""
    comes_from: str
    """``"north"``, ``"east"``, ``"south"`` or ``"west"``; empty where it begins here."""
    goes_to: str
    """The same; empty where it ends here."""
    wavelets: int
    """That leave the router for a neighbour, of one row of a step."""


class CoreMoment(msgspec.Struct, frozen=True):
    """One micro-step of a core; cycles count from the token's entry."""

    instruction: int
    """Number in the Program."""
    operation: str
    layer: int
    """−1 outside the layers."""
    kind: str
    """``compute``, ``send``, ``receive``, ``reduce`` or ``reduce and send``."""
    begin: int
    end: int
    mac: int
    vector: int
    comm: int
    pipe: int
    """Booked cycles by state; the rest of ``end − begin`` is waiting."""
    takes: tuple[str, ...]
    """Names of colors."""
    gives: tuple[str, ...]


class CoreTold(msgspec.Struct, tag=True, frozen=True):
    """The answer to a `CoreAsked`: one core of the wafer."""

    request_id: int
    x: int
    y: int
    label: str
    """Its region; empty where no region holds it."""
    row: int
    column: int
    """In its region, as it counts rows: 0 is the southernmost of one that runs west."""
    memory: dict[str, int]
    """Bytes by use: code, weights, kv, buffers."""
    tiles: tuple[TileOfCore, ...]
    colors: tuple[ColorAtCore, ...]
    steps: tuple[CoreMoment, ...]
    """What it does for one token, with one KV row in every core."""
    latency: int
    """Cycles of that token."""
    last_states: list[int]
    """Its cycles by state in the last interval with cycles."""
    total_states: list[int]
    """The same since the session was opened."""
    session: int = 1
    clock: tuple[tuple[int, int], ...] = ()
    """Cycles of a token at the position that was asked for, each with that of ``steps`` at which it
    is as far; between two of them both go on evenly.  Empty where none was."""
