"""The same training step on N GPUs, data-parallel: a labelled model from published figures.

Each GPU takes its share of the rows; gradients meet in a ring all-reduce, in buckets that start as
soon as the way back has filled them, so that all but the last hide behind it where the links are
fast enough; then every GPU moves its share of the weights.

Sources:
    NVIDIA H100 Tensor Core GPU data sheet: 1,979 TFLOPS of bf16 with sparsity, half of that
    without; 3.35 TB/s; 900 GB/s of NVLink, both ways together; 700 W.  DGX H100 data sheet: eight
    GPUs, eight ports of 400 Gbit/s, 10.2 kW at most.
    Share of the peak: 38 to 43 % in training runs of 8 k to 16 k H100 (Llama Team, "The Llama 3
    Herd of Models", 2024, table 4).
    Ring all-reduce: 2·(N − 1) steps, 2·(N − 1)/N of the bytes over every link (Patarasuk and Yuan,
    J. Parallel Distrib. Comput. 69, 2009).
    Buckets of 25 MB: PyTorch's DistributedDataParallel, ``bucket_cap_mb``.

Assumed: gradients are bf16; a ring's step takes `STEP_SECONDS` beside its bytes; nobody waits for
data or for a slower GPU; the optimiser's state is shared out where a GPU does not hold all of it,
which moves as many bytes; a model much smaller than the source's reaches the same share of the
peak, which is more than it would; activations that go to the memory and back are not counted.
"""

from dataclasses import dataclass
from math import ceil

__all__ = ["GPU", "ClusterStep", "TrainingWork", "cluster_step"]

STEP_SECONDS = {"in a node": 2e-6, "between nodes": 5e-6}
"""Of a ring's step beside its bytes.  Assumed."""

_BF16, _FP32 = 2, 4

_BUCKET_BYTES = 25e6

_OPTIMISER_BYTES = 7 * _FP32 + _BF16
"""Of a parameter, that AdamW reads (weight, both moments, gradient) and writes (the first three,
and the weight for products)."""

_KEPT_BYTES = 2 * _BF16
"""Of a parameter on every GPU: weight and gradient; the rest, 12 bytes, may be shared out."""
_SHARED_BYTES = 3 * _FP32


@dataclass(frozen=True, slots=True)
class _Gpu:
    """Published figures of one GPU in its node."""

    name: str
    operations_per_second: float
    memory_bytes: float
    memory_bytes_per_second: float
    watts: float
    node_gpus: int
    node_watts: float
    link_bytes_per_second: float
    """Between GPUs of a node, one way."""
    network_bytes_per_second: float
    """Out of a node, all its ports together, one way."""


GPU = _Gpu("NVIDIA H100 SXM", 1979e12 / 2, 80e9, 3.35e12, 700.0, 8, 10_200.0, 450e9, 8 * 50e9)

_SHARE_OF_PEAK = {"low": 0.43, "likely": 0.40, "high": 0.38}
"""By which end of the time it gives; likely: between the published two."""


@dataclass(frozen=True, slots=True)
class TrainingWork:
    """What a step asks of any machine."""

    macs: int
    """Multiply–accumulates, none repeated."""
    parameters: int
    rows: int
    tokens: int
    """Of a row."""


@dataclass(frozen=True, slots=True)
class ClusterStep:
    """A step on N GPUs."""

    gpus: int
    phases: tuple[tuple[str, float], ...]
    """Seconds one after the other; they add up to the step."""
    hidden_seconds: float
    """Of the all-reduce, behind the way back."""
    collectives: int
    """All-reduces, one a bucket."""
    dependent_steps: int
    """Steps of rings, each of which waits for the one before it on another GPU."""
    link_bytes: float
    """Over links between GPUs, all together: each crossing is one link."""
    memory_bytes: float
    """Between the GPUs and the memories beside them, at least: weights there and back, gradients
    and the optimiser's state."""
    low: float
    high: float
    """Seconds by the ends of the published share of the peak."""
    joules: dict[str, float]
    fits: bool
    """Whether a GPU holds weights, gradients and its share of the optimiser's state."""

    @property
    def seconds(self) -> float:
        """Of the step."""
        return sum(seconds for _, seconds in self.phases)

    def as_json(self, work: TrainingWork) -> dict[str, object]:
        """Return the object in ``beside``."""
        return {
            "machine": f"{self.gpus} × {GPU.name}",
            "model": "data-parallel, from published figures: not measured",
            "seconds": self.seconds,
            "low": self.low,
            "high": self.high,
            "phases": {name: seconds for name, seconds in self.phases},
            "hidden_seconds": self.hidden_seconds,
            "tokens_per_second": work.rows * work.tokens / self.seconds,
            "utilisation": 2 * work.macs / self.seconds / (GPU.operations_per_second * self.gpus),
            "collectives": self.collectives,
            "dependent_steps": self.dependent_steps,
            "link_bytes": self.link_bytes,
            "off_chip_bytes": self.memory_bytes + self.link_bytes,
            "joules": self.joules,
            "fits": self.fits,
        }


def cluster_step(work: TrainingWork, gpus: int) -> ClusterStep:
    """Return a step on some GPUs, in whole nodes where there are more than a node's.

    Cost (F operations of the fullest GPU, s the share of the peak, B bytes of gradients, L bytes a
    second of the ring, t of a step, u buckets):
        F/(3·s·peak) forward + 2·F/(3·s·peak) backward + max(all-reduce / u, all-reduce − backward)
        + optimiser bytes / memory bandwidth,  all-reduce = 2·(N − 1)·(B/(N·L) + u·t)
    """
    likely = _phases(work, gpus, _SHARE_OF_PEAK["likely"])
    ends = [sum(s for _, s in _phases(work, gpus, _SHARE_OF_PEAK[end])) for end in ("low", "high")]
    seconds = sum(each for _, each in likely)
    reduced, buckets = _all_reduce(work, gpus)
    shown = likely[2][1]
    moved = 2 * (gpus - 1) * _BF16 * work.parameters
    memory = work.parameters * (gpus * 2 * _KEPT_BYTES + _OPTIMISER_BYTES)
    nodes = ceil(gpus / GPU.node_gpus)
    return ClusterStep(
        gpus=gpus,
        phases=likely,
        hidden_seconds=reduced - shown,
        collectives=buckets if gpus > 1 else 0,
        dependent_steps=2 * (gpus - 1) * buckets,
        link_bytes=float(moved),
        memory_bytes=float(memory),
        low=ends[0],
        high=ends[1],
        joules={
            "low": gpus * GPU.watts * ends[0],
            "likely": gpus * GPU.watts * seconds,
            "high": nodes * GPU.node_watts * ends[1],
        },
        fits=work.parameters * (_KEPT_BYTES + _SHARED_BYTES / gpus) <= GPU.memory_bytes,
    )


def _phases(work: TrainingWork, gpus: int, share: float) -> tuple[tuple[str, float], ...]:
    mine = ceil(work.rows / gpus) / work.rows
    pass_ = 2 * work.macs * mine / (3 * share * GPU.operations_per_second)
    reduced, buckets = _all_reduce(work, gpus)
    waits = max(reduced / buckets, reduced - 2 * pass_)
    moved = _OPTIMISER_BYTES * work.parameters / gpus / GPU.memory_bytes_per_second
    return (
        ("forward", pass_), ("backward", 2 * pass_), ("all-reduce that shows", waits),
        ("optimiser", moved),
    )  # fmt: skip


def _all_reduce(work: TrainingWork, gpus: int) -> tuple[float, int]:
    """Return (seconds of all buckets one after the other, buckets)."""
    size = _BF16 * work.parameters
    buckets = max(1, ceil(size / _BUCKET_BYTES))
    inside = gpus <= GPU.node_gpus
    rate = GPU.link_bytes_per_second if inside else GPU.network_bytes_per_second
    step = STEP_SECONDS["in a node" if inside else "between nodes"]
    return 2 * (gpus - 1) * (size / gpus / rate + buckets * step), buckets
