"""`trace.json`, `cores.csv`, `sim_stats.json`: schema, sums, files whole or not at all."""

import csv
import json

import numpy as np
import pytest

from engine.errors import TraceError
from engine.wafer.fabric.record import Recorder
from engine.wafer.plan.placed import open_placed
from engine.wafer.program.states import STATES, State
from engine.wafer.trace import cores_csv, occupancy, perfetto, trace_files
from engine.wafer.trace.collect import collect
from tests.engine.wafer.trace.scene import SMALL, model, placed, traced

REQUIRED = {
    "M": {"name", "pid", "args"},
    "X": {"name", "cat", "pid", "tid", "ts", "dur", "args"},
    "b": {"name", "cat", "id", "pid", "tid", "ts"},
    "e": {"name", "cat", "id", "pid", "tid", "ts"},
    "C": {"name", "pid", "ts", "args"},
}
VENDOR_KEYS = [
    "active_tile_cycles_per_second",
    "active_tile_cycles_per_second_per_thread",
    "cycle_count",
    "cycles_per_second",
    "fabric_x",
    "fabric_y",
    "hwtile_count",
    "init_time",
    "othertile_count",
    "sim_stop_cause",
    "sim_time",
    "sunset_count",
    "tile_cycles_per_second",
    "tile_cycles_per_second_per_thread",
]


@pytest.fixture(params=["simulated", "by_formula"])
def trace(request):
    return request.getfixturevalue(request.param)


def document(trace):
    return json.loads("".join(perfetto.text(trace)))


def table(trace):
    return list(csv.DictReader("".join(cores_csv.text(trace)).splitlines()))


def test_events_follow_the_schema(trace):
    opened = {}
    for event in document(trace)["traceEvents"]:
        assert REQUIRED[event["ph"]] <= event.keys()
        if event["ph"] == "M":
            continue
        assert event["ts"] >= 0
        assert event.get("dur", 0) >= 0
        if event["ph"] == "C":
            assert all(isinstance(value, (int, float)) for value in event["args"].values())
        if event["ph"] == "b":
            opened[event["cat"], event["id"]] = event["ts"]
        if event["ph"] == "e":
            assert event["ts"] >= opened.pop((event["cat"], event["id"]))
    assert not opened


def test_slices_add_up_to_the_tokens(trace):
    slices = [e for e in document(trace)["traceEvents"] if e["ph"] == "X"]

    assert sum(s["args"]["cycles"] for s in slices) == trace.cycles
    assert sum(s["dur"] for s in slices) == pytest.approx(trace.cycles / 0.85 / 1000, abs=1e-3)
    ends = [0.0, *(s["ts"] + s["dur"] for s in slices)]
    assert [s["ts"] for s in slices] == pytest.approx(ends[:-1])


def test_the_metadata_says_what_a_time_is(trace):
    found = document(trace)["otherData"]

    assert found["machine"] == "small"
    assert found["clock_ghz"] == 0.85
    assert found["program"] == trace.program.hash
    assert found["tier"] == trace.tier
    assert "1 cycle = 1.17647 ns" in found["units"]


def test_collectives_have_names_and_lie_within_their_token(simulated):
    spans = [e for e in document(simulated)["traceEvents"] if e.get("cat") == "collective"]
    names = {e["name"] for e in spans}

    assert {"reduce add_f32 along y", "reduce add_i32 along x", "multicast along x"} <= names
    assert max(e["ts"] for e in spans) <= simulated.cycles / 0.85 / 1000


def test_counters_add_up_to_the_states(simulated):
    for step in simulated.steps:
        edges = occupancy.edges_of(step.cycles)
        by_bin = occupancy.state_cycles(step, simulated.tables, edges)
        assert np.array_equal(by_bin.sum(axis=0), step.states)
        assert (by_bin >= 0).all()


def test_the_load_of_links_adds_up_to_their_counts(whole):
    step = whole.steps[0]
    edges = occupancy.edges_of(step.cycles)
    load, busiest, links = occupancy.link_load(step, whole.tables.routes, edges)

    assert load.sum() == whole.links[..., :4].sum()
    assert links == np.count_nonzero(whole.links[..., :4])
    assert (busiest <= np.diff(edges)).all()


def test_the_table_of_cores_adds_up_to_the_counters(whole):
    rows = table(whole)

    assert len(rows) == whole.columns * whole.rows
    for index, name in enumerate(STATES):
        assert sum(int(r[f"cycles_{name}"]) for r in rows) == whole.states[..., index].sum()
    for port, name in enumerate(("east", "north", "west", "south", "ramp")):
        assert sum(int(r[f"wavelets_{name}"]) for r in rows) == whole.links[..., port].sum()
    for row in rows:
        assert sum(int(row[f"cycles_{name}"]) for name in STATES) == whole.cycles


def test_the_table_names_the_region_of_a_core(whole):
    found = {(int(r["column"]), int(r["row"])): r["region"] for r in table(whole)}
    for region in whole.program.regions:
        assert found[region.x, region.y] == region.label
        assert found[region.x + region.width - 1, region.y + region.height - 1] == region.label
    assert list(found.values()).count("") == whole.columns * whole.rows - whole.program.cores_used


def test_both_tiers_know_the_same_multiplications(simulated, by_formula):
    one, other = simulated.states[..., State.MAC], by_formula.states[..., State.MAC]
    assert np.array_equal(one, other)
    for one, other in zip(simulated.steps, by_formula.steps, strict=True):
        assert one.cycles == pytest.approx(other.cycles, rel=0.05)
    assert all(row["wavelets_east"] == "" for row in table(by_formula))


def test_being_watched_changes_nothing(simulated):
    """A chip without a recorder takes the same cycles in the same states."""
    from engine.wafer.check.comparison import first_tokens
    from engine.wafer.fabric.chip import SimulatedChip

    chip = SimulatedChip(placed().compiled, placed().placement, model().tensors, rows=1, context=2)
    tokens = first_tokens(placed().program.vocabulary, 2)
    for number, step in enumerate(simulated.steps):
        alone = chip.step(tokens[number : number + 1])
        assert alone.cycles == step.cycles
        assert np.array_equal(alone.ended[0], step.ended)


def test_a_full_recorder_goes_on_counting():
    from engine.wafer.fabric.chip import SimulatedChip

    chip = SimulatedChip(placed().compiled, placed().placement, model().tensors, rows=1, context=2)
    everywhere = np.ones(chip.chip.network.columns * chip.chip.network.rows, np.uint8)
    counts = []
    for capacity in (10**6, 3):
        chip.position = 0
        recorder = Recorder.of(everywhere, (capacity, capacity, capacity))
        chip.step(np.array([5], np.int32), recorder=recorder)
        counts.append(recorder.noted.tolist())
    assert counts[0] == counts[1]
    assert min(counts[0]) > 3


def test_four_files_and_their_statistics(trace, tmp_path):
    report = trace_files.write(trace, tmp_path / "a" / "b")
    written = {path.name: path.stat().st_size for path in (tmp_path / "a" / "b").iterdir()}
    stats = json.loads((tmp_path / "a" / "b" / "sim_stats.json").read_text())

    assert written == report.files
    assert sorted(stats) == VENDOR_KEYS
    assert stats["cycle_count"] == trace.cycles
    assert stats["hwtile_count"] == trace.columns * trace.rows
    assert stats["sunset_count"] == 50
    if trace.tier == "cycle":
        assert stats["sim_stop_cause"] == "Stopped due to idleness"


def test_less_is_written_before_nothing_is(simulated, tmp_path):
    full = trace_files.write(simulated, tmp_path / "full")
    assert full.wavelets

    with pytest.raises(TraceError, match=r"take about 0\.0 GB.*smaller --region"):
        trace_files.write(simulated, tmp_path / "none", limit_bytes=10_000)
    assert not (tmp_path / "none").exists()

    spare = 2 * 250_000 + 2 * 1800 * len(simulated.program.instructions) + 10_000
    limit = full.files["sim.log"] // 2 + spare
    short = trace_files.write(simulated, tmp_path / "short", limit_bytes=limit)
    assert not short.wavelets
    assert short.files["sim.log"] < full.files["sim.log"] / 2


def test_a_file_appears_whole_or_not_at_all(simulated, tmp_path, monkeypatch):
    def broken(trace):
        yield "half a"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(perfetto, "text", broken)
    with pytest.raises(OSError, match="No space"):
        trace_files.write(simulated, tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["sim.log", "sim_stats.json"]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"region": (500, 0, 4, 4)}, "not within the placed cores"),
        ({"region": (0, 0, 10**9, 1)}, "not within the placed cores"),
        ({"tokens": 10**6}, "takes 1 to"),
    ],
)
@pytest.mark.parametrize("tier", ["fast", "cycle"])
def test_what_makes_no_sense_is_refused(tier, options, words):
    with pytest.raises(TraceError, match=words):
        traced(tier, **options)


def test_a_model_is_traced_where_the_planner_places_it():
    trace = collect(open_placed(model().graph, SMALL), model().tensors, tier="fast")
    assert 0 in trace.program.regions[int(trace.region_map()[0, 0])].layers
