"""Peers as files: those that come with the program, and what is refused."""

import pytest

from engine.errors import MachineError
from engine.peers.peer import bundled_peers, read_peer

GOOD = """
name = "A chip"
memory_bytes = 80e9
memory_bytes_per_second = 2e12
operations_per_second = 1e15
operation = "int8"
sources = ["a datasheet"]
"""


def test_the_peers_of_the_program_can_be_read_and_name_their_sources():
    peers = {peer.name for peer in bundled_peers()}
    for word in ("H100", "A100", "MI300X", "Gaudi 3", "TPU v5p", "EPYC"):
        assert any(word in name for name in peers), word
    assert all(peer.sources and all(peer.sources) for peer in bundled_peers())


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("memory_bytes = 80e9", "", "'memory_bytes' is missing"),
        ("memory_bytes = 80e9", "memory_bytes = 0", "above 0"),
        ("memory_bytes = 80e9", "memory_bytes = inf", "finite"),
        ("memory_bytes = 80e9", "memory_bytes = true", "number"),
        ("memory_bytes = 80e9", "memory_bytes = 1\nspeed = 2", "no field|a field 'speed'"),
        ('sources = ["a datasheet"]', "sources = []", "not empty"),
        ('operation = "int8"', "", "belong together"),
        ('name = "A chip"', "name = 3", "must be a text"),
        ('name = "A chip"', "name = ", "no TOML"),
    ],
)
def test_a_peer_that_says_too_little_or_too_much_is_refused(tmp_path, old, new, said):
    path = tmp_path / "peer.toml"
    path.write_text(GOOD.replace(old, new))
    with pytest.raises(MachineError, match=said) as refused:
        read_peer(path)
    assert str(path) in str(refused.value)


def test_a_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(MachineError, match="cannot be read"):
        read_peer(tmp_path / "none.toml")
