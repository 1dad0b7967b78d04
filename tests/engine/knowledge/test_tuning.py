from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine.errors import ModelError, WeightsError
from engine.knowledge.tuning import EXPERTS, FILE, Tuning, load_tuning, write_tuning


def tuning(threshold: float | None = -0.5) -> Tuning:
    """Each coefficient is the number of its feature, and 100 more for each expert before."""
    mixture = {
        expert: {name: 100.0 * i + j for j, name in enumerate(names)}
        for i, (expert, names) in enumerate(EXPERTS.items())
    }
    return Tuning(mixture, threshold, "", {})


def test_coefficients_are_in_the_order_of_the_features():
    shuffled = {expert: dict(reversed(named.items())) for expert, named in tuning().mixture.items()}
    arrays = Tuning(dict(reversed(shuffled.items())), None, "", {}).coefficients()
    for i, (array, names) in enumerate(zip(arrays, EXPERTS.values(), strict=True)):
        assert array.tolist() == (100.0 * i + np.arange(len(names))).tolist()


def test_a_tuning_is_written_and_read_with_its_checksum(tmp_path: Path) -> None:
    (tmp_path / "checksums.json").write_text('{"files": {"model.safetensors": "' + "0" * 64 + '"}}')
    assert load_tuning(tmp_path) is None
    write_tuning(tmp_path, tuning())
    assert load_tuning(tmp_path) == tuning()
    path = tmp_path / FILE
    path.write_text(path.read_text().replace("-0.5", "-0.6"))
    with pytest.raises(WeightsError, match=FILE):
        load_tuning(tmp_path)


def test_writing_keeps_the_other_checksums_and_leaves_no_other_file(tmp_path: Path) -> None:
    other = {"model.safetensors": "0" * 64}
    sums = tmp_path / "checksums.json"
    sums.write_bytes(msgspec.json.encode({"algorithm": "sha256", "files": other}))
    for threshold in (-0.5, None):
        write_tuning(tmp_path, tuning(threshold))
    known = msgspec.json.decode(sums.read_bytes())
    assert known["algorithm"] == "sha256"
    assert known["files"].keys() == {"model.safetensors", FILE}
    assert known["files"]["model.safetensors"] == "0" * 64
    assert {path.name for path in tmp_path.iterdir()} == {"checksums.json", FILE}
    assert load_tuning(tmp_path) == tuning(None)


def test_a_folder_without_checksums_gets_none(tmp_path: Path) -> None:
    write_tuning(tmp_path, tuning())
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    assert load_tuning(tmp_path) == tuning()


@pytest.mark.parametrize("text", ["[]", "{", '{"mixture": {}, "threshold": 1}', "\xff"])
def test_a_broken_tuning_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(text, encoding="latin-1")
    with pytest.raises(ModelError, match=FILE):
        load_tuning(tmp_path)


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    write_tuning(tmp_path, tuning())
    path = tmp_path / FILE
    path.write_text(path.read_text().replace('"threshold"', '"treshold": 1, "threshold"'))
    with pytest.raises(ModelError, match="treshold"):
        load_tuning(tmp_path)


@pytest.mark.parametrize("missing", EXPERTS)
def test_a_tuning_without_a_coefficient_is_refused(tmp_path: Path, missing: str) -> None:
    mixture = tuning().mixture
    last = EXPERTS[missing][-1]
    del mixture[missing][last]
    write_tuning(tmp_path, Tuning(mixture, None, "", {}))
    with pytest.raises(ModelError, match=f"no coefficient .{last}.; fit it again"):
        load_tuning(tmp_path)
