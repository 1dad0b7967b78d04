"""A made-up engine's answers, for the demos of the widgets and for tests.  Deterministic."""

import itertools

import numpy as np
from numpy.typing import NDArray

from engine import STATES
from engine.protocol.asking import AskReply, ReadPart
from engine.protocol.completion import Completion, HostStats, WaferStats
from engine.protocol.cores import ColorAtCore, CoreMoment, TileOfCore
from engine.protocol.messages import (
    CoreAsked,
    CoreTold,
    EngineReady,
    MachineInfo,
    ModelInfo,
    RegionInfo,
    Still,
    StillAsked,
    Telemetry,
    ThroughputPoint,
    WatchedCores,
    WeightType,
)
from engine.protocol.peers import PeerComparison, PeerFigures
from engine.protocol.xray import StreamVisit, TokenWave, WaveBands, Xray, XrayStep, XrayToken
from tui.app_messages import TelemetryUpdated

__all__ = [
    "demo_comparison",
    "demo_completion",
    "demo_core",
    "demo_history",
    "demo_ready",
    "demo_reply",
    "demo_still",
    "demo_telemetry",
    "demo_update",
    "demo_wave",
    "demo_xray",
]

_LAYER = {"code": 22528, "weights": 14200, "kv": 4096, "buffers": 2048, "max_total": 42872}
_HEAD = {"code": 22528, "weights": 9600, "kv": 0, "buffers": 2560, "max_total": 34688}


def demo_ready() -> EngineReady:
    """Return a small model: six rectangles in a serpentine, and a band beside them for the head."""
    places = [(0, 0), (26, 0), (52, 0), (52, 24), (26, 24), (0, 24)]
    regions = [
        RegionInfo(f"layer {index}", 2 + x, 3 + y, 24, 22, _LAYER)
        for index, (x, y) in enumerate(places)
    ]
    regions.append(RegionInfo("head", 80, 3, 8, 46, _HEAD))
    return EngineReady(
        model=ModelInfo(
            name="spark-demo",
            folder="weights/spark-demo",
            parameters=12_300_000,
            layers=6,
            width=256,
            vocabulary=8192,
            context_length=2048,
            language="python",
            weight_bytes=13_000_000,
            fill_in_the_middle=True,
            family="llama",
            types={"int8": WeightType(43, 12_950_000), "fp32": WeightType(13, 50_000)},
        ),
        machine=MachineInfo(
            name="wse3",
            clock_ghz=0.85,
            columns=900,
            rows=988,
            sram_bytes_per_core=48 * 1024,
            program="5ac1f0e2",
            cores_used=sum(region.width * region.height for region in regions),
            regions=regions,
        ),
        threads=1,
        processor_path="portable",
        start_ms=840.0,
    )


def demo_telemetry(
    ready: EngineReady, step: int = 0, *, busy: bool = True, cores: WatchedCores | None = None
) -> Telemetry:
    """Return the counters of one interval: a mix of its own per layer, most of it waiting."""
    rng = np.random.default_rng(step)
    elapsed = 400_000
    sums: list[list[int]] = []
    cells = np.zeros((0 if cores is None else cores.rows * cores.columns, len(STATES)), "<u8")
    for index, region in enumerate(ready.machine.regions):
        states = _region_states(region, index, step, elapsed, rng)
        if cores is not None:
            inside, numbers = _cells(region, cores)
            np.add.at(cells, numbers, states[inside].astype("<u8"))
        sums.append([int(value) for value in states.sum(axis=0)])
    point = demo_history(step + 1)[-1]
    return Telemetry(
        sequence=step,
        busy=busy,
        position=312 + step,
        context_length=ready.model.context_length,
        elapsed_cycles=elapsed if busy else 0,
        total_cycles=elapsed * (step + 1),
        throughput=point,
        states_by_region=sums if busy else [[0] * len(STATES) for _ in sums],
        cores=cores,
        cell_states=cells.tobytes() if busy else b"",
        cycles_by_operation={"matmul": 280_000, "attention": 90_000, "norm": 30_000},
    )


def demo_update(step: int = 0, cores: WatchedCores | None = None) -> TelemetryUpdated:
    """Return what the panes hear after ``step`` intervals: the newest counters and the history."""
    return TelemetryUpdated(demo_telemetry(demo_ready(), step, cores=cores), demo_history(step + 1))


def _cells(region: RegionInfo, cores: WatchedCores) -> "tuple[NDArray[np.bool_], NDArray[np.int_]]":
    """Return which cores of a region are watched, and the cell of each of these."""
    rows, columns = np.mgrid[0 : region.height, 0 : region.width]
    y, x = (rows + region.y - cores.y).ravel(), (columns + region.x - cores.x).ravel()
    inside = (y >= 0) & (y < cores.height) & (x >= 0) & (x < cores.width)
    down, across = y * cores.rows // cores.height, x * cores.columns // cores.width
    return inside, (down * cores.columns + across)[inside]


def demo_still(asked: StillAsked) -> Still:
    """Return numbers of cells: SRAM by region, traffic and ages that grow eastwards, a mark."""
    cores, ready = asked.cores, demo_ready()
    of_states = asked.what in ("states", "marked")
    values = np.zeros((cores.columns * cores.rows, len(STATES) if of_states else 1), "<i8")
    if of_states:
        step = 0 if asked.machine or asked.what == "marked" else 4
        told = demo_telemetry(ready, step, cores=cores).cell_states
        values = np.frombuffer(told, "<i8").reshape(-1, len(STATES))
    for number, region in enumerate(ready.machine.regions if not of_states else ()):
        inside, numbers = _cells(region, cores)
        column = np.tile(np.arange(region.width), region.height)[inside]
        amount = {
            "sram": np.full(column.size, region.sram_bytes["max_total"]),
            "links": 40 * (column + 1),
            "age": 5_000 * (len(ready.machine.regions) - number) - 8 * column,
        }[asked.what]
        if asked.what == "age":
            values[numbers, 0] = amount
        else:
            values[:, 0] += np.bincount(numbers, amount, len(values)).astype(np.int64)
    return Still(
        asked.request_id, asked.what, cores, asked.machine, 312, values.tobytes(), asked.session
    )


def demo_core(asked: CoreAsked) -> CoreTold:
    """Return a core of the first layer, wherever it is asked for."""
    states = [4_100, 900, 1_700, 30_300, 600, 362_400]
    steps = [
        CoreMoment(2, "norm", 0, "compute", 0, 96, 0, 61, 0, 35, (), ()),
        CoreMoment(2, "norm", 0, "reduce and send", 96, 214, 0, 0, 1, 20,
                   ("chain north–south of pitch 1",), ("chain north–south of pitch 1",)),
        CoreMoment(3, "multicast", 0, "receive", 214, 402, 0, 0, 36, 10,
                   ("multicast west–east over 24",), ()),
        CoreMoment(4, "matmul", 0, "compute", 402, 890, 430, 24, 0, 34, (), ()),
    ]  # fmt: skip
    region = demo_ready().machine.regions[0]
    return CoreTold(
        request_id=asked.request_id,
        x=asked.x,
        y=asked.y,
        label=region.label,
        row=asked.y - region.y,
        column=asked.x - region.x,
        memory={use: region.sram_bytes[use] for use in ("code", "weights", "kv", "buffers")},
        tiles=(
            TileOfCore("layers.0.attention.q.weight", "int8", (96, 128), ((0, 16),), 544),
            TileOfCore("layers.0.feed_forward.down.weight", "q4_k", (32, 64), ((96, 128),), 608),
        ),
        colors=(
            ColorAtCore("chain north–south of pitch 1", True, True, "south", "north", 24),
            ColorAtCore("multicast west–east over 24", True, False, "west", "east", 36),
            ColorAtCore("lane 2, layer 0 → layer 1", False, False, "west", "east", 32),
        ),
        steps=tuple(steps),
        latency=68_900,
        clock=() if asked.position is None else ((0, 0), (137_800, 68_900)),
        last_states=states,
        total_states=[30 * cycles for cycles in states],
        session=asked.session,
    )


def _region_states(
    region: RegionInfo, index: int, step: int, elapsed: int, rng: np.random.Generator
) -> "np.ndarray[tuple[int, int], np.dtype[np.float64]]":
    """Return cycles by state of one rectangle, shape (cores, 6)."""
    rows, columns = np.mgrid[0 : region.height, 0 : region.width]
    wave = 0.5 + 0.5 * np.sin((columns + 2 * index + 3 * step) / 5.0)
    mac = 0.02 + 0.10 * wave
    vector = 0.004 + 0.09 * (rows < 3)
    comm = 0.01 + 0.12 * (columns % 8 == 0)
    stall = 0.03 + 0.5 * rows / region.height * (index % 2)
    pipe = 0.004 + 0.2 * (columns > region.width - 3)
    shares = np.stack([mac, vector, comm, stall, pipe], axis=-1).reshape(-1, 5)
    shares *= rng.uniform(0.85, 1.15, shares.shape)
    shares *= 10.0 ** -(((index + step) % 4) / 2)
    cycles: np.ndarray[tuple[int, int], np.dtype[np.float64]] = np.empty((len(shares), len(STATES)))
    cycles[:, :5] = np.floor(shares * elapsed)
    cycles[:, 5] = elapsed - cycles[:, :5].sum(axis=1)
    return cycles


def demo_history(count: int) -> list[ThroughputPoint]:
    """Return ``count`` intervals; every ninth one is prefill, the others are decode."""
    points = []
    for step in range(count):
        swing = 1 + 0.25 * float(np.sin(step / 4.0)) + 0.1 * float(np.sin(step * 1.7))
        prefill = step % 9 == 0
        points.append(
            ThroughputPoint(
                prefill_tokens=64 if prefill else 0,
                decode_tokens=0 if prefill else 28,
                host_prefill_tokens_per_second=1210.0 * swing if prefill else None,
                host_decode_tokens_per_second=None if prefill else 143.0 * swing,
                wafer_prefill_cycles_per_token=8_300.0 if prefill else None,
                wafer_decode_cycles_per_token=None if prefill else 68_900.0 + 40 * step,
            )
        )
    return points


def demo_completion(text: str) -> Completion:
    """Return a completion with figures that fit the rest."""
    return Completion(
        text=text,
        finish_reason="stop",
        model="spark-demo",
        prompt_tokens=310,
        cached_tokens=280,
        completion_tokens=14,
        host=HostStats(
            prefill_ms=24.0, decode_ms=98.0, first_text_ms=31.0, tokens_per_second=142.9
        ),
        wafer=WaferStats(
            machine="wse3",
            clock_ghz=0.85,
            program="5ac1f0e2",
            cores_used=3536,
            cycles_prefill=249_000,
            cycles_per_token=68_900.0,
            tokens_per_second=12_337.0,
            mac_utilisation=0.04,
            sram_bytes_per_core_max=42_872,
        ),
    )


def demo_reply() -> AskReply:
    """Return an answer about a function that greets."""
    cost = demo_completion("")
    return AskReply(
        text=(
            "`greet` returns a **greeting** for a name. To greet nobody, give the name a "
            'default:\n\n```python\ndef greet(name: str = "you") -> str:\n'
            '    return f"Hello, {name}!"\n```\n\n- `main` calls it twice\n- it prints nothing'
        ),
        finish_reason="stop",
        asked="",
        forgotten=0,
        parts=(
            ReadPart("package/greeting.py", 1, 12, "open"),
            ReadPart("notes.md", 1, 3, "similar"),
        ),
        left_out=("debug.log is ignored by git and not shown to a model",),
        model=cost.model,
        prompt_tokens=310,
        cached_tokens=0,
        completion_tokens=58,
        host=cost.host,
        wafer=cost.wafer,
    )


# ── an X-ray ────────────────────────────────────────────────────────────────────────────────

_SAID = ("return", " total", " /", " len", "(", "values", ")", "\n", "    return", " x", "")
_OPERATIONS = {"matmul": 26_400, "attention": 12_100, "norm": 9_900, "multicast": 4_200, "add": 600}


def demo_xray(answer: int = 7) -> Xray:
    """Return an answer of eleven tokens; the second and third were guessed and verified."""
    machine = demo_ready().machine
    steps = [_step(position, position % 3) for position in range(40, 49)]
    tokens, at = [], 0
    for number, text in enumerate(_SAID):
        step = max(0, number - 2)
        end = at + len(text)
        tokens.append(
            XrayToken(
                text=text,
                start=at,
                end=end,
                step=step,
                row=number if number < 3 else 0,
                position=40 + number,
                probability=0.91 - 0.05 * (number % 7),
                others=[("raise", 0.04), ("self", 0.02), ("None", 0.01)],
                cycles=steps[step].cycles / steps[step].used,
            )
        )
        at = end
    return Xray(
        answer=answer,
        text="".join(_SAID),
        model="spark-demo",
        machine=machine.name,
        clock_ghz=machine.clock_ghz,
        program=machine.program,
        regions=[region.label for region in machine.regions],
        tokens=tokens,
        steps=steps,
    )


def _step(position: int, more: int) -> XrayStep:
    by_operation = dict(_OPERATIONS) | {"attention": 12_100 + 60 * position}
    cycles = sum(by_operation.values())
    machine = demo_ready().machine
    count = len(machine.regions)
    bounds = [cycles * number // count for number in range(count + 1)]
    first = position == 40
    return XrayStep(
        position=position,
        rows=3 if first else 1,
        logits=3 if first else 1,
        used=3 if first else 1,
        decode=True,
        host_ms=12.5 + more,
        host_bytes=13_400_000,
        cycles=cycles,
        cycles_by_operation=by_operation,
        visits=[
            StreamVisit(number, begin, end)
            for number, (begin, end) in enumerate(itertools.pairwise(bounds))
        ],
        states_by_region=[
            [cores * cycles * part // 100 for part in (1, 2, 1, 25, 2, 69)]
            for cores in (region.width * region.height for region in machine.regions)
        ],
        collectives=189,
        wavelets=1_209_790,
        wavelet_hops=3_165_215,
        sram_bytes=7_552_000,
        macs=7_126_016,
        joules=(0.000179, 0.0224, 2.02),
    )


def demo_wave(token: int = 0) -> TokenWave:
    """Return a wave that crosses each region from west to east, one after the other."""
    regions = demo_ready().machine.regions
    bands: list[tuple[int, int, int, int, int, int, int]] = []
    for number, region in enumerate(regions):
        for strip in range(4):
            begin = 8_000 * number + 2_000 * strip
            x, width = region.x + strip * region.width // 4, region.width // 4
            bands.append((x, region.y, width, region.height, begin, begin + 2_600, strip % 2))
    columns = [list(column) for column in zip(*bands, strict=True)]
    return TokenWave(
        source="formulas",
        position=40 + token,
        cycles=8_000 * len(regions) + 600,
        operations=["matmul", "multicast"],
        bands=WaveBands(*columns),
    )


def demo_comparison() -> PeerComparison:
    """Return a token on the wafer, here, on a chip, and on one with a large cache."""
    return PeerComparison(
        model="spark-demo",
        machine="wse3",
        clock_ghz=0.85,
        position=256,
        weight_bytes=392_000_000,
        kv_bytes=3_200_000,
        macs=505_014_272,
        peers=[
            PeerFigures("wafer wse3", "emulated", 2041.0, 0, 657, 1.12, "cycles", "formulas"),
            PeerFigures(
                "this computer", "measured", 11.5, 395_200_000, 121, None, "measured", "timed"
            ),
            PeerFigures(
                "A chip", "published", 8477.0, 395_200_000, 121, 0.0826, "memory", "a datasheet"
            ),
            PeerFigures("A large cache", "published", None, 0, 121, None, "on chip", "a datasheet"),
        ],
    )
