import os

import pytest

from engine.host_cores import worthwhile_cores


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


@pytest.fixture
def allow(monkeypatch):
    """Let the process run on so many logical cores."""

    def set_cores(count):
        monkeypatch.setattr("sys.platform", "linux")
        monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(count)), raising=False)

    return set_cores


def siblings(pairs):
    return {
        f"sys/devices/system/cpu/cpu{cpu}/topology/thread_siblings_list": f"{pair[0]},{pair[1]}\n"
        for pair in pairs
        for cpu in pair
    }


@pytest.mark.parametrize(("logical", "threads"), [(1, 1), (2, 2), (6, 6), (64, 8)])
def test_a_thread_for_each_core_up_to_eight(tmp_path, allow, logical, threads):
    allow(logical)
    assert worthwhile_cores(tmp_path) == threads


def test_two_threads_of_a_core_count_once(tmp_path, allow):
    allow(6)
    write(tmp_path, siblings([(0, 4), (1, 5), (2, 3)]))
    assert worthwhile_cores(tmp_path) == 3


@pytest.mark.parametrize(
    ("quota", "threads"),
    [("max 100000", 6), ("150000 100000", 2), ("50000 100000", 1), ("", 6), ("100 0", 6)],
)
def test_a_quota_of_time_limits_them(tmp_path, allow, quota, threads):
    allow(6)
    write(
        tmp_path,
        {
            "proc/self/cgroup": "0::/a/b\n",
            "sys/fs/cgroup/a/cpu.max": f"{quota}\n",
            "sys/fs/cgroup/a/b/cpu.max": "max 100000\n",
        },
    )
    assert worthwhile_cores(tmp_path) == threads


def test_this_computer_has_some():
    assert 1 <= worthwhile_cores() <= 8
