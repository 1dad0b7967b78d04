"""Small wafers for tests: random machines, random shapes, a model placed by hand, a step's inputs.

Everything random takes a `numpy.random.Generator`, so that a failing case can be made again from
its seed.
"""

from dataclasses import replace
from functools import cache

from engine.errors import PlacementError
from engine.model.sum_orders import ReduceOrder
from engine.model.tensors import packed_formats
from engine.wafer.fabric.cycle_runner import open_cycle
from engine.wafer.fast.fast_runner import open_fast
from engine.wafer.place.model_shape import model_shape
from engine.wafer.place.placement import place
from engine.wafer.place.shape import Shape
from engine.wafer.plan.placed import Placed, open_placed
from engine.wafer.program import machine
from tests.packs import repacked
from tests.tiny import tiny_model


@cache
def folded():
    """Narrow blocks that fill a machine: lanes turn over the blocks at either end of the bands."""
    model = tiny_model(seed=7, hidden=128, layers=13, heads=2, kv_heads=1, ffn=96)
    spec = replace(machine.get("small"), columns=20, rows=24)
    return model, spec, place(model_shape(model.graph), spec, Shape(4, 8, 8), 32)


def random_machine(random):
    """A machine with other latencies and rates on a grid that is large enough for tiny models."""
    spec = replace(
        machine.get("small"),
        name="random",
        columns=256,
        rows=256,
        hop_cycles=int(random.integers(1, 5)),
        ramp_cycles=int(random.integers(0, 6)),
        dispatch_cycles=int(random.integers(0, 30)),
        inject_cycles_per_wavelet=float(random.choice([1.0, 1.125, 1.5, 3.0])),
        add_fp32_cycles_per_wavelet=float(random.choice([1.0, 2.0, 2.5])),
        vector_overhead_cycles=int(random.integers(0, 9)),
        divide_cycles=int(random.integers(1, 60)),
        fmac_fp32=int(random.integers(1, 5)),
        mac_int8=int(random.integers(1, 17)),
    )
    # Drawn with the rate of products, so that seeds in use keep their machines.
    rate = spec.mac_int8
    return replace(spec, unpack_per_cycle=1 + 3 * rate % 11, unpack_bytes=64 << rate % 5)


def random_model(random):
    """A tiny model of random sizes."""
    heads = int(random.choice([1, 2, 4, 6]))
    return tiny_model(
        seed=int(random.integers(1 << 30)),
        hidden=32 * int(random.integers(1, 7)),
        layers=int(random.integers(1, 4)),
        heads=heads,
        kv_heads=int(random.choice([n for n in (1, 2, 3, 6) if heads % n == 0])),
        head_dim=int(random.choice([16, 32, 64])) if heads != 1 else 32,
        ffn=32 * int(random.integers(1, 9)),
        vocab=263 + int(random.integers(1, 200)),
        context=int(random.integers(24, 60)),
        tied=bool(random.integers(2)),
    )


def random_mixed_model(random, layers=1):
    """A tiny model, each of whose matrices has a random format; K-quants where inputs allow it."""
    wide = bool(random.integers(2))
    width = 256 if wide else 32 * int(random.integers(1, 5))
    head_dim = int(random.choice([16, 32, 64]))
    model = tiny_model(
        seed=int(random.integers(1 << 30)),
        hidden=width,
        layers=layers,
        heads=256 // head_dim if wide else 2,
        kv_heads=2,
        head_dim=head_dim,
        ffn=256 if wide else 32 * int(random.integers(1, 5)),
        vocab=263 + int(random.integers(1, 60)),
        context=32,
        tied=bool(random.integers(2)),
    )
    names = [format.name for format in packed_formats().values()]
    narrow = [name for name in names if not name.endswith("_k")]
    wanted = {
        name: str(random.choice(names if shape[1] % 256 == 0 else narrow))
        for name, shape in model.graph.weights.items()
        if len(shape) == 2
    }
    return repacked(model, wanted, seed=int(random.integers(1 << 30)))


def random_shape(random, model):
    """A shape that the model splits over, from everything that `Shape` allows."""
    sizes = model_shape(model.graph)
    groups, half = sizes.hidden // 32, sizes.attention.head_dim // 2
    rows = [n for n in range(1, groups + 1) if groups % n == 0]
    rows += [groups * s for s in (2, 4, 8, 16, 32)]
    heads = sizes.attention.heads
    columns = [n for n in range(1, heads + 1) if heads % n == 0]
    columns += [heads * s for s in range(2, half + 1) if half % s == 0]
    return Shape(
        columns=int(random.choice(columns)),
        rows=int(random.choice(rows)),
        head_columns=int(random.integers(1, 70)),
        blocks=int(random.integers(1, sizes.layers + 1)),
    )


def random_placement(random, model, spec):
    """A placement on ``spec`` of a random shape that fits."""
    for _ in range(50):
        try:
            shape = random_shape(random, model)
            sizes = model_shape(model.graph, model.formats)
            return place(sizes, spec, shape, model.graph.context_length)
        except PlacementError:
            continue
    raise AssertionError("none of 50 random shapes fits the machine")


def random_order(random, parts):
    """An order of ``parts`` partial sums with a random group."""
    return ReduceOrder(parts, int(random.integers(1, parts + 1)))


def placed(model, spec, placement):
    """(Compiled, Timing) of a model on a placement; compiles no kernel."""
    found = Placed(model.graph, spec, placement)
    return found.compiled, found.timing


def runner_on(model, spec, placement, *, threads=1, path=None):
    """The fast tier on a placement made by hand."""
    return open_fast(
        Placed(model.graph, spec, placement), model.tensors, threads=threads, path=path
    )


def chip_on(model, spec, placement):
    """The cycle tier on a placement made by hand."""
    return open_cycle(Placed(model.graph, spec, placement), model.tensors)


def opened(model, spec, context_length=None, **options):
    """The fast tier where the planner places a model."""
    placed_model = open_placed(model.graph, spec, context_length, model.formats)
    return open_fast(placed_model, model.tensors, **options)


def random_steps(random, total, longest=64):
    """Sizes of random steps that sum to ``total``."""
    sizes = []
    while total:
        sizes.append(int(random.integers(1, min(total, longest) + 1)))
        total -= sizes[-1]
    return sizes


def added(counts):
    """The sum of Counts."""
    counts = list(counts)
    total = counts[0]
    for count in counts[1:]:
        total = total.plus(count)
    return total
