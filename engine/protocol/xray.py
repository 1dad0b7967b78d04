"""X-ray of an answer: each of its tokens, and each step of the model that they came from.

Both ends of the connection and ``--json`` use these types.  Depends on msgspec only.

Times are milliseconds of **host** time, cycles are **wafer** time.  Every figure of a step is for
all of its rows together: guessed tokens are verified in one step, and share it.
"""

import msgspec

__all__ = [
    "SimulationLine",
    "StreamVisit",
    "TokenWave",
    "WaveBands",
    "Xray",
    "XrayStep",
    "XrayToken",
]


class XrayToken(msgspec.Struct, frozen=True):
    """One chosen token."""

    text: str
    """What it says; bytes that are no character alone are ``�``.  Empty: it ends the text."""
    start: int
    """Characters of the answer's text before it."""
    end: int
    """The same after it; equal to ``start`` where nothing of it was kept."""
    step: int
    """Index of the step in whose logits it was chosen."""
    row: int
    """Row of that step, from 0."""
    position: int
    """Position of that row in the KV cache: the token itself comes at the next one."""
    probability: float
    """Of the token in the mixture it was chosen from, 0–1."""
    others: list[tuple[str, float]]
    """The likeliest other tokens there, with their probabilities, best first."""
    cycles: float
    """The step's cycles ÷ the tokens chosen from it."""


class StreamVisit(msgspec.Struct, frozen=True):
    """A stay of a row's residual stream in a region, in cycles of its step."""

    region: int
    """Index into the machine's regions."""
    begin: int
    """When it has left the region before."""
    end: int
    """When the last core of the region has done its part."""


class XrayStep(msgspec.Struct, frozen=True):
    """One step of the model: a piece of the prompt, or a token with the guesses behind it."""

    position: int
    """Rows in the KV cache before it."""
    rows: int
    """Tokens appended."""
    logits: int
    """Rows whose logits were computed: one, and the guessed tokens."""
    used: int
    """Tokens chosen from them."""
    decode: bool
    """False: it read a piece of the prompt."""
    host_ms: float
    """Measured."""
    host_bytes: int
    """Bytes of weights, keys and values that the host reads for it: the weights once, whatever the
    number of rows; computed from their formats."""
    cycles: int
    """Emulated: what `WaferStats` adds up."""
    cycles_by_operation: dict[str, int]
    """How far each operation moves the last core's clock; sums to ``cycles``."""
    visits: list[StreamVisit]
    """Of its last row, in order; they begin where that row enters, and end with the step."""
    states_by_region: list[list[int]]
    """Per region, the cycles of its cores by state (in the order of `engine.STATES`), summed."""
    collectives: int
    """Reductions and multicasts, one after the other: points where cores wait for each other."""
    wavelets: int
    """32-bit words that cores send."""
    wavelet_hops: int
    """Links between routers that they cross, added up."""
    sram_bytes: int
    """Bytes of weights, keys and values that the cores read: the weights once for each row."""
    macs: int
    """Multiply–accumulates."""
    joules: tuple[float, float, float]
    """Lower bound, likely, upper bound, from published watts: `engine.wafer.cost.energy`."""


class Xray(msgspec.Struct, frozen=True):
    """An answer's tokens and steps."""

    answer: int
    """Its number in its session."""
    text: str
    model: str
    machine: str
    clock_ghz: float
    program: str
    """The Program's hash."""
    regions: list[str]
    """Their labels, in the order of ``states_by_region``."""
    tokens: list[XrayToken]
    steps: list[XrayStep]


class WaveBands(msgspec.Struct, frozen=True):
    """Rectangles of cores and the cycles in which they work: arrays of equal length."""

    x: list[int]
    y: list[int]
    width: list[int]
    height: list[int]
    begin: list[int]
    end: list[int]
    operation: list[int]
    """Index into `TokenWave.operations`."""


class TokenWave(msgspec.Struct, frozen=True):
    """One row's way over the wafer, in cycles since it entered."""

    source: str
    """``"formulas"`` or ``"cycle tier"``: what the cycles come from."""
    position: int
    cycles: int
    operations: list[str]
    bands: WaveBands


class SimulationLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line of the program that simulates a token: how far it is, the wave, or what went wrong."""

    done: int = 0
    total: int = 0
    label: str = ""
    wave: TokenWave | None = None
    error: str = ""
