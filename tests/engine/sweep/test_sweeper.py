"""Sweeps: the same file however it came to be, and nothing done twice."""

import json
import os
import signal
from importlib.util import find_spec

import pytest

from engine.sweep.grid import SweepError, read_grid
from engine.sweep.result_file import ResultFile
from engine.sweep.sweep_plot import plot_sweep
from engine.sweep.sweeper import run_sweep, timed_answer
from engine.sweep.workers import LocalWorkers, RayWorkers


class Here:
    """Does tasks in this process, the last one first."""

    name = "this process"

    def __init__(self):
        self.asked = []

    def answers(self, function, tasks):
        for task in reversed([*tasks]):
            self.asked.append(task)
            yield task, function(task)


@pytest.fixture
def points(tiny_grid):
    return read_grid(tiny_grid(placements=["8x8", "9 blocks of 8x8"]))


def test_results_stand_in_the_grids_order_and_a_point_that_cannot_be_says_why(points, tmp_path):
    report = run_sweep(points, tmp_path / "out.jsonl", Here())
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [row["point"]["context"] for row in rows] == [8, 8, 16, 16]
    assert rows[0]["result"]["cycles_per_token"] > 0
    assert rows[1]["result"] == {"error": rows[1]["result"]["error"]}
    assert "9 blocks" in rows[1]["result"]["error"]
    assert (report.points, report.computed, report.failed) == (4, 4, 2)
    about = json.loads((tmp_path / "out.jsonl.provenance.json").read_text())
    assert about["workers"] == "this process"
    assert len(about["host_seconds_of_points"]) == 4
    assert not (tmp_path / "out.jsonl.part").exists()


def test_processes_write_the_same_bytes(points, tmp_path):
    run_sweep(points, tmp_path / "a.jsonl", Here())
    run_sweep(points, tmp_path / "b.jsonl", LocalWorkers(2))
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()


def test_it_goes_on_where_it_was_ended(points, tmp_path):
    class Ended(Here):
        def answers(self, function, tasks):
            yield from list(super().answers(function, tasks))[:2]
            raise KeyboardInterrupt

    out = tmp_path / "out.jsonl"
    with pytest.raises(KeyboardInterrupt):
        run_sweep(points, out, Ended())
    part = tmp_path / "out.jsonl.part"
    part.write_text(part.read_text() + '{"point": {"torn')
    here = Here()
    assert run_sweep(points, out, here).computed == 2
    assert here.asked == [points[1], points[0]]
    run_sweep(points, tmp_path / "whole.jsonl", Here())
    assert out.read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


def test_a_grid_that_has_grown_asks_only_what_is_new(points, tiny_grid, tmp_path):
    out = tmp_path / "out.jsonl"
    run_sweep(points, out, Here())
    grown = read_grid(tiny_grid(placements=["8x8", "9 blocks of 8x8"], contexts=[8, 16, 32]))
    here = Here()
    assert run_sweep(grown, out, here).computed == 2
    assert {point.context for point in here.asked} == {32}


def test_the_two_questions_about_a_token_agree(tiny_grid, tmp_path):
    lists = {"placements": ["2 blocks of 4x4"], "contexts": [16], "dtypes": ["int8"]}
    plan = run_sweep(read_grid(tiny_grid(**lists)), tmp_path / "p.jsonl", Here())
    decode = run_sweep(
        read_grid(tiny_grid(question="decode", **lists)), tmp_path / "d.jsonl", Here()
    )
    assert decode.rows[0][1]["cycles_per_token"] > 0
    assert plan.rows[0][1]["cores_used"] > 0


def test_a_file_of_something_else_is_left_alone(points, tmp_path):
    out = tmp_path / "notes.txt"
    out.write_text("mine\n")
    with pytest.raises(SweepError, match="no file of results"):
        run_sweep(points, out, Here())
    assert out.read_text() == "mine\n"
    with pytest.raises(SweepError, match="directory does not exist"):
        ResultFile(tmp_path / "none" / "out.jsonl")


def test_the_picture_has_a_line_for_each_model_and_no_markup_of_others(points, tmp_path):
    report = run_sweep(points, tmp_path / "out.jsonl", Here())
    picture = plot_sweep(report.rows)
    assert picture.count("<polyline") == 1
    assert picture.count("<circle") == 2
    assert "no point has cycles" in plot_sweep([])
    from msgspec.structs import replace

    hostile = [(replace(point, model="<script>"), result) for point, result in report.rows]
    assert "<script>" not in plot_sweep(hostile)


@pytest.mark.skipif(find_spec("pyarrow") is None, reason="the extra 'ray' is not there")
def test_parquet_holds_the_same(points, tmp_path):
    import pyarrow.parquet

    out = tmp_path / "out.parquet"
    run_sweep(points, out, Here())
    table = pyarrow.parquet.read_table(out).to_pylist()
    lines = run_sweep(points, tmp_path / "out.jsonl", Here()).rows
    assert [json.loads(row["result"]) for row in table] == [result for _, result in lines]
    assert run_sweep(points, out, Here()).computed == 0


def test_a_cluster_of_two_nodes_writes_the_same_bytes(points, tmp_path, cluster_address):
    workers = RayWorkers(cluster_address)
    assert "2 nodes, 2 cores" in workers.name
    run_sweep(points, tmp_path / "ray.jsonl", workers)
    run_sweep(points, tmp_path / "here.jsonl", Here())
    assert (tmp_path / "ray.jsonl").read_bytes() == (tmp_path / "here.jsonl").read_bytes()


def kill_once(point):
    """Answer a point; the first worker that does dies before."""
    note = os.environ["SWEEP_NOTE"]
    if not os.path.exists(note):
        open(note, "w").close()
        os.kill(os.getpid(), signal.SIGKILL)
    return timed_answer(point)


def test_a_worker_killed_in_a_sweep_costs_nothing(points, tmp_path, monkeypatch):
    monkeypatch.setenv("SWEEP_NOTE", str(tmp_path / "note"))
    monkeypatch.setattr("engine.sweep.sweeper.timed_answer", kill_once)
    run_sweep(points, tmp_path / "killed.jsonl", LocalWorkers(2))
    monkeypatch.undo()
    assert (tmp_path / "note").exists()
    run_sweep(points, tmp_path / "whole.jsonl", Here())
    assert (tmp_path / "killed.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()
