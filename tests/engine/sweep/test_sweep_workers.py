"""Processes that do tasks: all are done, also those of a worker that dies."""

import os

import pytest

from engine.errors import EngineError
from engine.sweep.workers import LocalWorkers, RayWorkers, choose_workers
from tests.engine.sweep.deadly import dies_always, dies_once, double


def test_every_task_is_done_once():
    answers = list(LocalWorkers(2).answers(double, range(20)))
    assert sorted(answers) == [(i, 2 * i) for i in range(20)]
    assert list(LocalWorkers(2).answers(double, [])) == []


def test_a_killed_worker_loses_no_result(tmp_path):
    tasks = [(i, str(tmp_path / "note") if i == 5 else "") for i in range(12)]
    answers = dict(LocalWorkers(2).answers(dies_once, tasks))
    assert (tmp_path / "note").exists()
    assert answers == {task: 2 * task[0] for task in tasks}


def test_a_killed_worker_of_a_cluster_loses_no_result(tmp_path, cluster_address):
    tasks = [(i, str(tmp_path / "note") if i == 5 else "") for i in range(12)]
    answers = dict(RayWorkers(cluster_address).answers(dies_once, tasks))
    assert (tmp_path / "note").exists()
    assert answers == {task: 2 * task[0] for task in tasks}


def test_a_task_that_kills_every_worker_ends_it():
    done = []
    with pytest.raises(EngineError, match=r"died 3 times while . was under way"):
        done.extend(LocalWorkers(1).answers(dies_always, range(6)))


def test_the_environment_is_as_it_was(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    list(LocalWorkers(1).answers(double, [1]))
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ


def test_without_a_cluster_it_is_this_computer():
    assert choose_workers(3).name == "3 processes on one computer"
