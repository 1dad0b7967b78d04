from engine.host_memory import available_bytes

MB = 1024 * 1024


def write(root, files):
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_the_kernel_says_what_is_available(tmp_path):
    write(tmp_path, {"proc/meminfo": "MemTotal: 999999 kB\nMemAvailable: 2048 kB\n"})
    assert available_bytes(tmp_path) == 2 * MB


def test_the_tightest_group_decides_and_dropped_cache_is_free(tmp_path):
    group = "sys/fs/cgroup/a/b"
    write(
        tmp_path,
        {
            "proc/meminfo": "MemAvailable: 99999999 kB\n",
            "proc/self/cgroup": "0::/a/b\n",
            f"{group}/memory.max": "max\n",
            f"{group}/memory.current": "1\n",
            "sys/fs/cgroup/a/memory.max": f"{100 * MB}\n",
            "sys/fs/cgroup/a/memory.current": f"{60 * MB}\n",
            "sys/fs/cgroup/a/memory.stat": f"anon 5\ninactive_file {10 * MB}\n",
        },
    )
    assert available_bytes(tmp_path) == 50 * MB


def test_groups_of_version_1(tmp_path):
    group = "sys/fs/cgroup/memory"
    write(
        tmp_path,
        {
            "proc/self/cgroup": "5:cpu:/x\n4:memory:/x\n",
            f"{group}/memory.limit_in_bytes": f"{100 * MB}",
            f"{group}/memory.usage_in_bytes": f"{150 * MB}",
        },
    )
    assert available_bytes(tmp_path) == 0


def test_without_any_of_it_half_of_what_there_is(tmp_path):
    assert available_bytes(tmp_path) > MB


def test_this_computer_has_some():
    assert available_bytes() > MB
