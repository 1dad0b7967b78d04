import json
from pathlib import Path

import msgspec
import numpy as np
import pytest

from engine.errors import ModelError, WeightsError
from engine.knowledge import tuning as module
from engine.knowledge.tuning import (
    EXPERTS,
    FILE,
    Tuning,
    find_tuning,
    load_tuning,
    user_tuning_file,
    write_tuning,
    write_user_tuning,
)
from engine.model_store.offers import offer_named

SHIPPED = Path(__file__).parents[3] / "weights" / "knowledge"


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


@pytest.fixture
def places(tmp_path: Path, monkeypatch):
    """A user's state, a model's folder and a package with shipped tunings."""
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr(module, "files", lambda package: tmp_path / "package")
    (tmp_path / "model").mkdir()
    (tmp_path / "package" / "knowledge").mkdir(parents=True)
    return tmp_path


def ship(places: Path, own: Tuning) -> None:
    data = msgspec.json.encode(own)
    (places / "package" / "knowledge" / "coder.json").write_bytes(data)


def test_the_users_numbers_count_before_the_models_and_these_before_shipped_ones(places) -> None:
    place = places / "model"
    assert find_tuning(place, "coder", 100) is None
    ship(places, tuning(-0.1))
    assert find_tuning(place, "coder", 100) == tuning(-0.1)
    assert find_tuning(places / "coder.gguf", "coder", 100) == tuning(-0.1)
    write_tuning(place, tuning(-0.2))
    assert find_tuning(place, "coder", 100) == tuning(-0.2)
    assert write_user_tuning("coder", tuning(-0.3)) == user_tuning_file("coder")
    assert find_tuning(place, "coder", 100) == tuning(-0.3)
    assert find_tuning(place, "other", 100) == tuning(-0.2)


def test_numbers_for_weights_of_another_size_do_not_count(places) -> None:
    fitted = msgspec.structs.replace(tuning(), weight_bytes=100)
    write_user_tuning("coder", fitted)
    assert find_tuning(places / "model", "coder", 100) == fitted
    assert find_tuning(places / "model", "coder", 101) is None


def test_a_name_with_a_slash_stays_in_the_folder(places) -> None:
    assert user_tuning_file("../x").parent == places / "state" / "knowledge"


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.json")), ids=lambda path: path.stem)
def test_shipped_numbers_belong_to_a_file_of_the_catalogue(path: Path) -> None:
    offer = offer_named(path.stem)
    assert offer is not None
    weight_bytes = json.loads(path.read_text())["weight_bytes"]
    tuning = find_tuning(Path("file.gguf"), path.stem, weight_bytes)
    assert tuning is not None
    assert tuning.weights_sha256 == offer.sha256
    assert all(np.isfinite(each).all() for each in tuning.coefficients())
    assert find_tuning(Path("file.gguf"), path.stem, weight_bytes + 1) is None
