"""Rooflines, worked out by hand."""

from dataclasses import replace

from engine.peers.peer import Peer
from engine.peers.roofline import TokenWork, roofline

PEER = Peer(
    "a chip", memory_bytes=10e9, memory_bytes_per_second=1e12, sources=("x", "y"),
    operations_per_second=1e15, operation="int8", watts=500, on_chip_bytes=50e6,
)  # fmt: skip
WORK = TokenWork(weight_bytes=900_000_000, kv_bytes=100_000_000, macs=10**9, dependent_steps=121)


def test_what_is_read_bounds_a_token():
    found = roofline(PEER, WORK)
    assert found.tokens_per_second == 1000  # 1 GB at 1 TB/s
    assert (found.bound, found.clock) == ("memory", "published")
    assert found.joules_per_token == 0.5  # 500 W for 1 ms
    assert found.off_chip_bytes_per_token == 10**9
    assert found.synchronisations_per_token == 121
    assert found.source == "x; y"


def test_operations_bound_a_token_that_reads_little_for_them():
    found = roofline(PEER, replace(WORK, macs=10**12))
    assert found.bound == "operations"
    assert found.tokens_per_second == 500  # 2e12 operations at 1e15 a second


def test_without_a_published_rate_only_memory_bounds_it():
    peer = replace(PEER, operations_per_second=None, operation="")
    assert roofline(peer, replace(WORK, macs=10**12)).tokens_per_second == 1000


def test_no_power_no_energy():
    assert roofline(replace(PEER, watts=None), WORK).joules_per_token is None


def test_a_model_that_does_not_fit_has_no_rate():
    found = roofline(replace(PEER, memory_bytes=9.99e8), WORK)
    assert (found.bound, found.tokens_per_second, found.joules_per_token) == (
        "too large",
        None,
        None,
    )


def test_a_model_that_stays_in_the_cache_has_no_roofline_of_the_memory():
    found = roofline(PEER, replace(WORK, weight_bytes=40_000_000, kv_bytes=10_000_000))
    assert (found.bound, found.tokens_per_second) == ("on chip", None)
    assert found.off_chip_bytes_per_token == 0
