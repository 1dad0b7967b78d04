"""`trace.json` as Perfetto draws it, `sim_stats.json` by hand, and files that were there before."""

import json
from collections import defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from engine.errors import TraceError
from engine.wafer.program.isa import Field
from engine.wafer.program.states import STATES
from engine.wafer.trace import cores_csv, perfetto, stats, trace_files
from tests.engine.wafer.trace.scene import traced


@pytest.fixture(params=["simulated", "by_formula"])
def trace(request):
    return request.getfixturevalue(request.param)


def events(trace, phase):
    document = json.loads("".join(perfetto.text(trace)))
    return [event for event in document["traceEvents"] if event["ph"] == phase]


def cycle(time, trace):
    """The cycle of a time in microseconds."""
    return time * 1000 * trace.program.machine.clock_ghz


# ── tracks ──────────────────────────────────────────────────────────────────────────────────


def test_each_region_has_a_track_with_its_name_and_place(trace):
    names = {e["tid"]: e["args"]["name"] for e in events(trace, "M") if e["name"] == "thread_name"}
    order = [e["args"]["sort_index"] for e in events(trace, "M") if "sort_index" in e["args"]]

    regions = trace.program.regions
    assert list(names) == list(range(1, len(regions) + 1))
    assert order == list(range(len(regions)))
    for name, region in zip(names.values(), regions, strict=True):
        place = f"({region.width} × {region.height} at {region.x}, {region.y})"
        assert name == f"{region.label} {place}"


def test_slices_lie_on_the_track_of_their_region_and_never_overlap(trace):
    by_track = defaultdict(list)
    table = trace.program.instructions
    for event in events(trace, "X"):
        row = table[event["args"]["instruction"]]
        assert event["tid"] == row[Field.REGION] + 1
        assert event["args"].get("layer", -1) == row[Field.LAYER]
        by_track[event["tid"]].append(event)

    assert len(by_track) > 1
    for track in by_track.values():
        for one, other in pairwise(track):
            assert one["ts"] + one["dur"] <= other["ts"] + 1e-9


def test_tokens_are_spans_that_follow_each_other_and_hold_their_slices(trace):
    begins = [e for e in events(trace, "b") if e["cat"] == "token"]
    ends = [e for e in events(trace, "e") if e["cat"] == "token"]

    assert [event["name"] for event in begins] == ["token at position 0", "token at position 1"]
    assert begins[0]["ts"] == 0
    assert ends[0]["ts"] == begins[1]["ts"]
    assert sum(event["args"]["cycles"] for event in begins) == trace.cycles
    slices = events(trace, "X")
    halfway = next(i for i, e in enumerate(slices) if e["ts"] >= begins[1]["ts"])
    cycles = [
        sum(e["args"]["cycles"] for e in part) for part in (slices[:halfway], slices[halfway:])
    ]
    assert cycles == [event["args"]["cycles"] for event in begins]


def test_an_operation_begins_before_it_ends_and_ends_where_its_slice_does(simulated):
    for event in events(simulated, "X"):
        begun, ended = event["args"]["begun"], event["args"]["ended"]
        assert 0 <= begun < ended <= simulated.cycles
        assert cycle(event["ts"] + event["dur"], simulated) == pytest.approx(ended, abs=1)


def test_slices_come_in_the_order_in_which_operations_end(simulated):
    """Where skew lets a later instruction end first, its slice is the earlier one."""
    step = simulated.steps[0]
    one = next(i for i in range(9, len(step.moved)) if step.moved[i : i + 2].all())
    ended, moved = step.ended.copy(), step.moved.copy()
    ended[one], ended[one + 1] = ended[one + 1], ended[one + 1] - moved[one]
    skewed = replace(simulated, steps=(replace(step, ended=ended, moved=moved),))

    order = [event["args"]["instruction"] for event in events(skewed, "X")]
    assert order.index(one + 1) < order.index(one)
    for event in events(skewed, "X"):
        ends = ended[event["args"]["instruction"]]
        assert cycle(event["ts"] + event["dur"], skewed) == pytest.approx(ends, abs=1)


def test_a_collective_lies_within_its_instruction(simulated):
    spans = {}
    for phase in "be":
        for event in events(simulated, phase):
            if event["cat"] == "collective":
                spans.setdefault(event["id"], []).append(event)

    assert len(spans) > 20
    for begin, end in spans.values():
        number = begin["args"]["instruction"]
        step = simulated.steps[int(begin["id"].partition(".")[0])]
        assert cycle(end["ts"] - begin["ts"], simulated) == pytest.approx(
            begin["args"]["cycles"], abs=2
        )
        assert begin["tid"] == end["tid"]
        assert cycle(end["ts"], simulated) - step.start <= step.ended[number] + 1
        assert 0 < begin["args"]["cores"] <= simulated.window.width * simulated.window.height


def test_counters_share_out_the_cores_of_the_window(trace):
    cores = trace.window.width * trace.window.height
    counters = events(trace, "C")

    for event in counters:
        if event["name"] == "core states":
            assert list(event["args"]) == list(STATES)
            assert sum(event["args"].values()) == pytest.approx(cores, abs=0.01)
            assert min(event["args"].values()) >= 0
        else:
            assert 0 <= event["args"]["mean %"] <= event["args"]["busiest %"] <= 100
    times = [event["ts"] for event in counters if event["name"] == "core states"]
    assert times == sorted(times)
    assert any(event["name"] == "link load" for event in counters) == (trace.tier == "cycle")


def test_another_clock_moves_times_and_no_cycle(simulated):
    machine = replace(simulated.program.machine, clock_ghz=1.7)
    fast = replace(simulated, program=replace(simulated.program, machine=machine))

    for slow, quick in zip(events(simulated, "X"), events(fast, "X"), strict=True):
        assert slow["args"] == quick["args"]
        assert quick["ts"] == pytest.approx(slow["ts"] / 2, abs=1e-3)


# ── tables ──────────────────────────────────────────────────────────────────────────────────


def test_rates_are_counts_over_the_seconds_of_simulating(simulated):
    timed = replace(simulated, simulated_seconds=4.0, init_seconds=1.5)
    found = json.loads(stats.text(timed))

    tiles = simulated.columns * simulated.rows
    active = sum(step.active for step in simulated.steps)
    assert found["cycles_per_second"] == simulated.cycles / 4
    assert found["tile_cycles_per_second"] == simulated.cycles * tiles / 4
    assert found["active_tile_cycles_per_second"] == active / 4
    assert 0 < active < simulated.cycles * tiles
    assert (found["sim_time"], found["init_time"]) == (4.0, 1.5)
    assert (found["fabric_x"], found["fabric_y"]) == (simulated.columns, simulated.rows)


def test_what_was_not_simulated_has_no_rate(by_formula):
    """Dividing by no seconds would be a rate out of thin air."""
    found = json.loads(stats.text(by_formula))

    assert all(found[key] is None for key in found if key.endswith(("_second", "_per_thread")))
    assert found["sim_stop_cause"].startswith("Not simulated")
    assert found["cycle_count"] == by_formula.cycles


def test_each_core_has_its_own_counts(simulated):
    """By its place on the wafer, not by its place in the window."""
    header, *lines = "".join(cores_csv.text(simulated)).splitlines()
    names = header.split(",")
    for line in lines:
        row = dict(zip(names, line.split(","), strict=True))
        y = int(row["row"]) - simulated.window.y
        x = int(row["column"]) - simulated.window.x
        counts = [int(row[f"cycles_{state}"]) for state in STATES]
        assert counts == simulated.states[y, x].tolist()
        crossed = [
            int(row[f"wavelets_{way}"]) for way in ("east", "north", "west", "south", "ramp")
        ]
        assert crossed == simulated.links[y, x].tolist()
    assert len(lines) == simulated.window.width * simulated.window.height


def test_a_core_is_named_by_its_place_on_the_wafer(by_formula):
    x, y = by_formula.corner
    trace = traced("fast", tokens=1, region=(x + 2, y + 1, 3, 2))

    _, *lines = "".join(cores_csv.text(trace)).splitlines()
    places = [tuple(map(int, line.split(",")[:2])) for line in lines]
    assert places == [(x + 2 + i, y + 1 + j) for j in range(2) for i in range(3)]


# ── files ───────────────────────────────────────────────────────────────────────────────────


def test_a_file_of_a_former_trace_survives_a_failure(simulated, tmp_path, monkeypatch):
    before = trace_files.write(simulated, tmp_path)
    old = (tmp_path / "trace.json").read_bytes()

    def broken(trace):
        yield "half a"
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(perfetto, "text", broken)
    with pytest.raises(TraceError, match="cannot be written to: Input/output error"):
        trace_files.write(simulated, tmp_path)
    assert (tmp_path / "trace.json").read_bytes() == old
    assert {path.name for path in tmp_path.iterdir()} == set(before.files)


def test_a_trace_writes_over_a_longer_one(simulated, by_formula, tmp_path):
    trace_files.write(simulated, tmp_path)
    report = trace_files.write(by_formula, tmp_path)

    assert {path.name: path.stat().st_size for path in tmp_path.iterdir()} == report.files
    assert not report.wavelets


def test_the_report_repeats_what_was_asked(simulated, tmp_path):
    report = trace_files.write(simulated, tmp_path)
    window = simulated.window

    assert json.loads(json.dumps(report.as_json()))["files"] == report.files
    assert report.region == (window.x, window.y, window.width, window.height)
    assert (report.tier, report.tokens, report.cycles) == ("cycle", 2, simulated.cycles)
    assert report.seconds == simulated.init_seconds + simulated.simulated_seconds


def test_a_place_is_refused_before_anything_slow_begins(tmp_path):
    (tmp_path / "file").write_text("mine")
    (tmp_path / "out" / "cores.csv").mkdir(parents=True)

    trace_files.check_folder(tmp_path / "new" / "deep")
    for out, words in (
        (tmp_path / "file", "is a file; name a folder"),
        (tmp_path / "file" / "below", "is a file; name a folder"),
        (tmp_path / "out", r"cores\.csv is a folder"),
        (tmp_path / ("x" * 300), "is no place for a trace: File name too long"),
    ):
        with pytest.raises(TraceError, match=words):
            trace_files.check_folder(out)
    assert not (tmp_path / "new").exists()
