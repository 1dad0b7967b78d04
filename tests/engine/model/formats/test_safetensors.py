"""Files that are cut short or no safetensors files, and scales that belong to a matrix."""

from pathlib import Path

import pytest

from engine.model.formats.safetensors import with_scales
from engine.model.tensors.stored import Stored


@pytest.mark.parametrize("kept", [0, 7, 8, 100, -1])
@pytest.mark.parametrize("checksums", [True, False])
def test_a_truncated_file_says_both_sizes(tiny_folder, refusal, kept, checksums):
    path = tiny_folder / "model.safetensors"
    data = path.read_bytes()
    path.write_bytes(data[:kept])
    if not checksums:
        (tiny_folder / "checksums.json").unlink()
    message = refusal(tiny_folder)
    assert f"truncated: {len(data[:kept])} bytes" in message
    if kept == -1:
        assert f"needs {len(data)}" in message


@pytest.mark.parametrize("content", [b"x" * 200, b"\x02" + bytes(7) + b"{}extra", bytes(64)])
def test_a_file_that_is_no_safetensors_file(tiny_folder, refusal, content):
    (tiny_folder / "model.safetensors").write_bytes(content)
    (tiny_folder / "checksums.json").unlink()
    assert str(tiny_folder / "model.safetensors") in refusal(tiny_folder)


def stored(name, kind):
    return Stored(Path("file"), name, kind, (1, 32), b"")


def test_only_a_matrix_of_type_i8_takes_scales():
    found = {
        "a": stored("a", "I8"),
        "a.scales": stored("a.scales", "F16"),
        "b": stored("b", "F16"),
        "b.scales": stored("b.scales", "F16"),
        "c": stored("c", "I8"),
    }
    taken = with_scales(found)
    assert list(taken) == ["a", "b", "b.scales", "c"]
    assert taken["a"].scales is found["a.scales"]
    assert taken["b"] is not None
    assert all(taken[name].scales is None for name in ("b", "b.scales", "c"))
