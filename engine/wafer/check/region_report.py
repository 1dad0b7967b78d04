"""The report of a region's check: the first value that differs, cycles of its steps."""

from dataclasses import asdict, dataclass, field

from engine.wafer.check.check_report import Difference
from engine.wafer.check.region_cycles import BothTiers

__all__ = ["RegionReport", "RegionStepCycles"]


@dataclass(frozen=True, slots=True)
class RegionStepCycles:
    """What the region adds to one step."""

    position: int
    """KV rows before it."""
    rows: int
    cycles: BothTiers


@dataclass(slots=True)
class RegionReport:
    """The findings in one region of a placed model."""

    model: str
    machine: str
    program: str
    region: int
    label: str
    layers: tuple[int, ...]
    """Layers that it holds; none in the head."""
    size: tuple[int, int]
    """Columns and rows of cores."""
    folds: bool
    """Whether lanes turn over blocks somewhere in the placement."""
    values_compared: int = 0
    first_difference: Difference | None = None
    steps: list[RegionStepCycles] = field(default_factory=list)
    """Those whose values are the same."""
    operations: dict[str, BothTiers] = field(default_factory=dict)
    """Of the decoded tokens: how far each operation moves the end."""
    wavelets: dict[str, int] = field(default_factory=dict)
    """sent, copied, taken: sent + copied = taken."""
    memory_bytes: int = 0
    """Tables of the simulation."""
    seconds: float = 0.0
    """Lowering, both tiers and the comparison; not compilation."""

    @property
    def cycles(self) -> BothTiers:
        """Of all steps."""
        whole = BothTiers(0, 0)
        for step in self.steps:
            whole = whole.plus(step.cycles)
        return whole

    @property
    def holds(self) -> bool:
        """Whether all that must be exact is: bits and wavelets."""
        sent = self.wavelets.get("sent", 0) + self.wavelets.get("copied", 0)
        return self.first_difference is None and sent == self.wavelets.get("taken", 0)

    def as_json(self) -> dict[str, object]:
        """Return the report as plain values."""
        steps = [
            {"position": step.position, "rows": step.rows} | step.cycles.as_json()
            for step in self.steps
        ]
        operations = {name: both.as_json() for name, both in self.operations.items()}
        return asdict(self) | {
            "holds": self.holds,
            "cycles": self.cycles.as_json(),
            "steps": steps,
            "operations": operations,
        }
