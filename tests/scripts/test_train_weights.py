"""Weight files: what is written is what the engine quantises to, in files small enough."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from engine.model.tensors.floats import FloatTensor
from engine.model.tensors.q8 import quantise
from engine.model_store.digests import weights_sha256
from scripts.train import export, weights_file


def tensors(rows: int = 96, columns: int = 64) -> dict[str, np.ndarray]:
    generator = np.random.default_rng(3)
    found = {f"layer.{i}.weight": generator.normal(0, 0.05, (rows, columns)) for i in range(6)}
    found["norm.weight"] = np.ones(columns)
    return {name: tensor.astype(np.float32) for name, tensor in found.items()}


@pytest.mark.parametrize("scale", [1e-7, 0.02, 3.0, 500.0])
def test_int8_is_what_the_engine_makes_of_the_same_matrix(scale: float) -> None:
    weights = np.random.default_rng(1).normal(0, scale, (40, 96)).astype(np.float32)
    weights[3, 32:64] = 0
    values, scales = weights_file.quantise(weights)
    ours = quantise(FloatTensor(weights))
    np.testing.assert_array_equal(values, ours.values)
    np.testing.assert_array_equal(scales, ours.scales)
    np.testing.assert_array_equal(weights_file.dequantise(values, scales), ours.dequantise())


def test_shards_are_small_and_come_back_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = 64 * 1024 + 14_000
    monkeypatch.setattr(weights_file, "LIMIT_BYTES", limit)
    given = tensors()
    written = weights_file.write(tmp_path, given, "int8", "step 1")
    files = [name for name in written if name.endswith(".safetensors")]
    assert len(files) > 2
    assert files[0] == f"model-00001-of-{len(files):05}.safetensors"
    assert all((tmp_path / name).stat().st_size <= limit for name in files)
    index = json.loads((tmp_path / weights_file.INDEX).read_text())
    for name in given:
        if given[name].ndim == 2:
            where = index["weight_map"]
            assert where[name] == where[name + weights_file.SCALES]
    found = weights_file.read(tmp_path)
    assert found.keys() == given.keys()
    for name, tensor in given.items():
        assert np.abs(found[name] - tensor).max() <= np.abs(tensor).max() / 200


def test_float16_is_one_file_and_the_other_layout_goes(tmp_path: Path) -> None:
    weights_file.write(tmp_path, tensors(), "int8", "step 1")
    weights_file.write(tmp_path, tensors(), "float16", "step 2")
    assert [path.name for path in tmp_path.iterdir()] == [weights_file.SINGLE]
    for name, tensor in tensors().items():
        expected = tensor.astype(np.float16).astype(np.float32)
        np.testing.assert_array_equal(weights_file.read(tmp_path)[name], expected)


def test_too_large_and_not_finite_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ValueError, match="not finite"):
        weights_file.write(tmp_path, {"x": np.full((2, 32), 1e6)}, "float16", "")
    monkeypatch.setattr(weights_file, "LIMIT_BYTES", 1000)
    with pytest.raises(ValueError, match="int8 is smaller"):
        weights_file.write(tmp_path, tensors(), "float16", "")


@pytest.mark.parametrize("dtype", ["float16", "int8"])
def test_checksums_name_every_file(tmp_path: Path, dtype: str) -> None:
    weights_file.write(tmp_path, tensors(), dtype, "")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "knowledge.json").write_text("{}")
    sums = weights_file.checksums(tmp_path)["files"]
    assert set(sums) == {path.name for path in tmp_path.iterdir()}
    (tmp_path / "README.md").write_text("# card")
    (tmp_path / "checksums.json").write_text("{}")
    assert weights_file.checksums(tmp_path)["files"] == sums
    assert sums["config.json"] == hashlib.sha256(b"{}").hexdigest()


def test_blending_lies_on_the_straight_line() -> None:
    one, two = tensors(), {name: tensor + 1 for name, tensor in tensors().items()}
    mixed = export.blend(one, two, 0.25)
    for name, tensor in one.items():
        np.testing.assert_allclose(mixed[name], tensor + 0.25, atol=1e-6)
        assert mixed[name].dtype == np.float32
    with pytest.raises(ValueError, match="different tensors"):
        export.blend(one, {"x": np.zeros(1)}, 0.5)


@pytest.mark.parametrize("argument", ["0.5", "folder=2", "folder"])
def test_a_blend_needs_a_folder_and_a_share(argument: str) -> None:
    with pytest.raises(ValueError, match=r"no FOLDER=SHARE|could not convert"):
        export.blended(argument)


def test_weights_have_one_digest_for_training_and_engine(tmp_path: Path) -> None:
    for dtype in ("float16", "int8"):
        weights_file.write(tmp_path, tensors(), dtype, "")
        assert weights_file.digest(tmp_path) == weights_sha256(tmp_path)
