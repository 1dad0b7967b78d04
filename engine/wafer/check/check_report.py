"""The report of a check: the first value that differs, cycles by operation, counts by state."""

from dataclasses import asdict, dataclass, field

__all__ = ["CheckReport", "Difference", "OperationCycles", "StateError"]


@dataclass(frozen=True, slots=True)
class Difference:
    """The first value that is not the same in both tiers."""

    operation: str
    instruction: int
    layer: int
    value: str
    """Name of the value in the Program."""
    core: tuple[int, int]
    """(column, row) on the wafer."""
    index: int
    """Element of the value."""
    row: int
    """Row of the step."""
    fast: float
    simulated: float

    def __str__(self) -> str:
        return (
            f"{self.operation} (instruction {self.instruction}) at core "
            f"({self.core[0]}, {self.core[1]}): {self.value}[{self.index}] of row {self.row} is "
            f"{self.simulated!r} on the simulated chip and {self.fast!r} on the fast tier"
        )


@dataclass(frozen=True, slots=True)
class OperationCycles:
    """One operation's cycles by both tiers: how far it moves the end of the step."""

    analytic: int
    simulated: int
    relative_error: float
    """(analytic − simulated) ÷ simulated; 0 where both are 0."""


@dataclass(frozen=True, slots=True)
class StateError:
    """How far one state's counts are apart, over all cores and steps."""

    largest: int
    """Largest difference in one core and step, cycles."""
    core: tuple[int, int]
    mean: float
    """Mean absolute difference, cycles."""
    beyond: int
    """Cores, counted in every step, whose difference exceeds the bounds in `state_sums`."""
    compared: int
    """Cores × steps."""

    @property
    def holds(self) -> bool:
        """Whether every core is within bounds in every step."""
        return self.beyond == 0


@dataclass(slots=True)
class CheckReport:
    """The findings of a comparison."""

    model: str
    machine: str
    program: str
    rows: int
    """Rows of all steps."""
    bit_identical: bool = True
    first_difference: Difference | None = None
    values_compared: int = 0
    cycles_analytic: int = 0
    cycles_simulated: int = 0
    skew_cycles: int = 0
    """Cycles of a token less those of its instructions alone, by the analytic tier."""
    relative_error: float = 0.0
    by_op: dict[str, OperationCycles] = field(default_factory=dict)
    """Of the decoded tokens; rows of a prefill overlap."""
    states: dict[str, StateError] = field(default_factory=dict)
    wavelets: dict[str, int] = field(default_factory=dict)
    """sent, copied, taken: sent + copied = taken."""
    busiest_link: float = 0.0
    """Largest share of a step's cycles in which a link carried a wavelet."""
    colors_used: int = 0
    tile_cycles_per_second: float = 0.0
    """Cores placed × cycles ÷ seconds of simulation."""
    seconds: float = 0.0
    """Lowering, both tiers and the comparison; not compilation."""

    @property
    def holds(self) -> bool:
        """Whether all that must be exact is: bits, MACs, wavelets, links."""
        return (
            self.bit_identical
            and self.states["mac"].holds
            and self.wavelets["sent"] + self.wavelets["copied"] == self.wavelets["taken"]
            and self.busiest_link <= 1.0
        )

    def as_json(self) -> dict[str, object]:
        """Return the report as plain values."""
        return asdict(self)
