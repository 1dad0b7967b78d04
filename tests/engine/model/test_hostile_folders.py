"""Model folders that were made to hurt: each is refused by one short line, or does no harm.

`test_model_fuzz` spoils what is in the files; here the files themselves are not what they seem.
"""

import hashlib
import json
import os
import re
import struct
import threading

import pytest

from engine.errors import EngineError, ModelError, WeightsError
from engine.knowledge.tuning import find_tuning
from engine.model.formats.shards import INDEX_FILE
from engine.model.load import load_model
from engine.model.model_facts import read_facts
from engine.tokenizer import Tokenizer
from tests.tiny import write_tiny_model

FILES = ("config.json", "tokenizer.json", "model.safetensors", INDEX_FILE, "checksums.json")
SECONDS = 20
LONGEST = 2100


@pytest.fixture
def folder(tmp_path):
    """A sound model that nothing vouches for."""
    model = tmp_path / "model"
    write_tiny_model(model, layers=1)
    (model / "checksums.json").unlink()
    return model


def opened(folder):
    """Load all of a model; fail rather than wait for ever."""
    found = []

    def load():
        try:
            load_model(folder)
            Tokenizer.load(folder)
            find_tuning(folder, folder.name, 1)
            found.append("loaded")
        except EngineError as error:
            found.append(str(error))
        except BaseException as error:
            found.append(error)

    thread = threading.Thread(target=load, daemon=True)
    thread.start()
    thread.join(SECONDS)
    assert found, "it hangs"
    if isinstance(found[0], BaseException):
        raise found[0]
    return found[0]


def refused(folder):
    """Return the one line with which a model is refused."""
    line = opened(folder)
    assert line != "loaded"
    assert "\n" not in line
    assert len(line) < LONGEST
    return line


def pipe(path):
    os.mkfifo(path)


def zeros(path):
    path.symlink_to("/dev/zero")


def sparse(path):
    with path.open("wb") as file:
        file.truncate(40 << 30)


def directory(path):
    path.mkdir()


def circle(path):
    path.symlink_to(path.name)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("made", [pipe, zeros, sparse, directory, circle])
def test_what_is_no_file_of_a_sensible_size_is_refused(folder, name, made):
    (folder / name).unlink(missing_ok=True)
    made(folder / name)
    assert name in refused(folder)


def test_a_file_that_cannot_be_the_right_one_is_refused_before_all_of_it_is_read(folder):
    tensors = {"x": {"dtype": "I8", "shape": [40 << 30], "data_offsets": [0, 40 << 30]}}
    header = json.dumps(tensors).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + (40 << 30))
    sums = {name: "0" * 64 for name in ("config.json", "tokenizer.json", "model.safetensors")}
    for name in ("config.json", "tokenizer.json"):
        sums[name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    (folder / "checksums.json").write_text(json.dumps({"files": sums}))
    assert "missing" in refused(folder)


@pytest.mark.parametrize("made", [pipe, zeros, sparse, circle])
def test_a_tuning_that_is_no_file_is_refused_or_left_out(folder, made):
    made(folder / "knowledge.json")
    assert opened(folder) == "loaded" or "knowledge.json" in opened(folder)


@pytest.mark.parametrize("text", ["[" * 2000 + "]" * 2000, '{"mixture":' * 2000, '"\\ud800"'])
def test_a_tuning_of_brackets_in_brackets_is_refused(folder, text):
    (folder / "knowledge.json").write_text(text)
    assert "knowledge.json: not a tuning file" in refused(folder)


@pytest.mark.parametrize(
    "shard", ["a\\u0000", "\\ud800", "x" * 100_000, "../x", "a\\\\b"], ids=str.__len__
)
def test_a_shard_with_a_name_that_no_file_has_is_refused(folder, shard):
    text = '{"weight_map": {"lm_head.weight": "%s.safetensors"}}'
    (folder / INDEX_FILE).write_text(text % shard)
    assert "weight_map" in refused(folder)


def change_header(folder, change):
    """Replace the head of the weights by what ``change`` makes of its text."""
    path = folder / "model.safetensors"
    data = path.read_bytes()
    size = struct.unpack_from("<Q", data)[0]
    header = change(data[8 : 8 + size].decode()).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data[8 + size :])


@pytest.mark.parametrize("end", ["1e999", "9" * 5000, "NaN", "-1", "1.5", '"\\ud800"'])
def test_an_offset_that_is_no_place_is_refused(folder, end):
    change_header(folder, lambda text: re.sub(r'(?<=_offsets":\[0),\d+', lambda _: f",{end}", text))
    assert "model.safetensors" in refused(folder)


def test_a_tensor_that_is_no_part_of_the_model_costs_nothing_though_it_is_40_gb(folder):
    path = folder / "model.safetensors"

    def add(text):
        entries = json.loads(text)
        start = max(entry["data_offsets"][1] for entry in entries.values())
        entries["huge"] = {
            "dtype": "F32", "shape": [10 << 30], "data_offsets": [start, start + (40 << 30)],
        }  # fmt: skip
        return json.dumps(entries)

    change_header(folder, add)
    size = 8 + struct.unpack("<Q", path.read_bytes()[:8])[0]
    with path.open("r+b") as file:
        file.truncate(max(size, path.stat().st_size) + (40 << 30))
    assert "(huge)" in refused(folder) or "not a safetensors file" in refused(folder)


@pytest.mark.parametrize("number", [3 * 10**9, (1 << 24) - 1, (1 << 32) - 1, 1 << 40, 10**30, -1])
def test_an_id_far_beyond_the_vocabulary_is_refused(folder, number):
    path = folder / "tokenizer.json"
    description = json.loads(path.read_text())
    vocabulary = description["model"]["vocab"]
    vocabulary[list(vocabulary)[-1]] = number
    path.write_text(json.dumps(description))
    assert "tokenizer.json" in refused(folder)


@pytest.mark.parametrize("where", ["model_type", "added token", "kind", "tensor"])
def test_a_name_of_100_kb_makes_no_message_of_100_kb(folder, where):
    name = "z" * 100_000
    if where == "model_type":
        path = folder / "config.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"model_type": name}))
    elif where == "tensor":
        change_header(folder, lambda text: text.replace("model.norm", name))
    else:
        path = folder / "tokenizer.json"
        description = json.loads(path.read_text())
        if where == "kind":
            description["model"]["type"] = name
        else:
            description["added_tokens"].append({"id": 10**6, "content": name})
        path.write_text(json.dumps(description))
    assert refused(folder)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "model.safetensors"])
@pytest.mark.parametrize("made", [pipe, zeros, sparse])
def test_the_list_of_models_reads_no_such_file_either(folder, name, made):
    (folder / name).unlink()
    made(folder / name)
    if name == "tokenizer.json":
        assert not read_facts(folder).fill_in_the_middle
    else:
        with pytest.raises(ModelError, match=name):
            read_facts(folder)


def test_a_folder_whose_name_leaves_no_room_for_an_ending_is_opened(tmp_path):
    folder = tmp_path / ("m" * 254)
    write_tiny_model(folder, layers=1)
    assert opened(folder) == "loaded"


def test_a_folder_whose_name_is_no_utf_8_is_opened(tmp_path):
    folder = tmp_path / "m\udcff"
    write_tiny_model(folder, layers=1)
    assert opened(folder) == "loaded"


def test_messages_are_one_line_with_their_beginning_and_their_end():
    error = WeightsError(f"{'a' * 5000}\nthe reason\nis this")
    assert len(str(error)) < LONGEST
    assert str(error).startswith("aaa")
    assert str(error).endswith("the reason is this")
