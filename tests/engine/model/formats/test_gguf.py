"""The GGUF reader: what was written comes back; a malformed file is one clear line."""

import random
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from engine.errors import WeightsError
from engine.model.formats.gguf import Strings, read_gguf
from tests.gguf_writer import Array, Packed, write_gguf

F32, Q8_0, Q4_K = 0, 8, 12
METADATA = {
    "general.architecture": "llama",
    "llama.block_count": 2,
    "llama.rope.freq_base": 10000.5,
    "tokenizer.ggml.add_bos_token": False,
    "tokenizer.ggml.tokens": Array("str", ["<s>", "", "ä", "\u0120the"]),
    "tokenizer.ggml.token_type": Array("i32", [3, 1, 1, -1]),
    "tokenizer.ggml.scores": Array("f32", [0.5, -1.5]),
    "empty": Array("u8", []),
    "far": -(1 << 40),
}
TENSORS = {
    "vector": Packed((3,), F32, np.arange(3, dtype="<f4").tobytes()),
    "matrix": Packed((2, 64), Q8_0, bytes(range(136))),
    "blocks": Packed((1, 256), Q4_K, bytes(144)),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "model.gguf"
    write_gguf(path, METADATA, TENSORS)
    return path


def test_what_was_written_comes_back(file: Path) -> None:
    found = read_gguf(file)

    assert found.version == 3
    assert found.size_bytes == file.stat().st_size
    assert list(found.metadata) == list(METADATA)
    for key in ("general.architecture", "llama.block_count", "llama.rope.freq_base", "far"):
        assert found.metadata[key] == METADATA[key]
    assert found.metadata["tokenizer.ggml.add_bos_token"] is False
    assert np.asarray(found.metadata["tokenizer.ggml.token_type"]).tolist() == [3, 1, 1, -1]
    assert np.asarray(found.metadata["tokenizer.ggml.scores"]).tolist() == [0.5, -1.5]
    assert np.asarray(found.metadata["empty"]).size == 0
    assert list(found.tensors) == list(TENSORS)
    for name, tensor in found.tensors.items():
        assert tensor.shape == TENSORS[name].shape
        assert tensor.data.tobytes() == TENSORS[name].data
        assert not tensor.data.flags.writeable
    assert found.tensors["blocks"].type.name == "Q4_K"


def test_strings_are_a_sequence(file: Path) -> None:
    pieces = read_gguf(file).metadata["tokenizer.ggml.tokens"]

    assert isinstance(pieces, Strings)
    assert list(pieces) == ["<s>", "", "ä", "\u0120the"] == pieces[:]
    assert pieces[-1] == "\u0120the"
    assert pieces.raw(2) == "ä".encode()
    assert pieces.texts() == list(pieces)


@pytest.mark.parametrize(
    "texts",
    [[], [""], ["", ""], ["a"], ["a\0b", "c"], ["\0"], ["ä", "", "x" * 300, "▁"]],
    ids=["none", "empty", "two empty", "one", "zero inside", "zero", "some"],
)
def test_all_strings_at_once_are_each_of_them(tmp_path: Path, texts: list[str]) -> None:
    path = tmp_path / "texts.gguf"
    write_gguf(path, {"texts": Array("str", texts)}, {})
    found = read_gguf(path).metadata["texts"]

    assert isinstance(found, Strings)
    assert found.texts() == list(found) == texts


def test_bytes_that_are_no_text_stay_in_their_string() -> None:
    """Half a character at the end of one must not swallow the beginning of the next."""
    data = b"".join(len(each).to_bytes(8, "little") + each for each in (b"a\xc3", b"\xa4b", b"c"))
    found = Strings(memoryview(data), np.array([8, 18, 28]), np.array([10, 20, 29]))

    assert found.texts() == list(found) == ["a\ufffd", "\ufffdb", "c"]


def test_a_vocabulary_costs_no_objects_before_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "large.gguf"
    write_gguf(path, {"pieces": Array("str", [""] * 200_000)}, {})
    tracemalloc.start()
    try:
        read_gguf(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 3 * path.stat().st_size


def head(version: int = 3, tensors: int = 0, pairs: int = 0) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", version, tensors, pairs)


def text(value: bytes) -> bytes:
    return struct.pack("<Q", len(value)) + value


def info(name: bytes, lengths: tuple[int, ...], code: int, offset: int) -> bytes:
    packed = struct.pack(f"<{len(lengths)}QIQ", *lengths, code, offset)
    return text(name) + struct.pack("<I", len(lengths)) + packed


U8 = struct.pack("<IB", 0, 7)
MALFORMED = {
    "empty": (b"", "0 bytes are no GGUF file"),
    "other file": (b"PK\3\4" + bytes(60), "begins with"),
    "version 1": (head(version=1), "version 1 of GGUF"),
    "big-endian": (b"GGUF" + struct.pack(">I", 3) + bytes(16), "big-endian"),
    "too many tensors": (head(tensors=1 << 60), "more than the file can hold"),
    "too many pairs": (head(pairs=1 << 40), "more than the file can hold"),
    "long key": (head(pairs=1) + struct.pack("<Q", 1 << 50) + bytes(9), "bytes long"),
    "key cut": (head(pairs=1) + struct.pack("<Q", 99) + bytes(9), "truncated"),
    "key no text": (head(pairs=1) + text(b"\xff") + U8, "no UTF-8"),
    "key twice": (head(pairs=2) + (text(b"a") + U8) * 2, "occurs twice"),
    "unknown kind": (head(pairs=1) + text(b"a") + struct.pack("<I", 99) + bytes(8), "type 99"),
    "bad truth": (head(pairs=1) + text(b"a") + struct.pack("<IB", 7, 9), "neither 0 nor 1"),
    "nested": (
        head(pairs=1) + text(b"a") + struct.pack("<IIQ", 9, 9, 1) + bytes(12), "array of arrays",
    ),
    "long array": (
        head(pairs=1) + text(b"a") + struct.pack("<IIQ", 9, 6, 1 << 60), "more than the file",
    ),
    "long string": (
        head(pairs=1) + text(b"a") + struct.pack("<IIQQ", 9, 8, 1, 1 << 63), "beyond the end",
    ),
    "alignment": (
        head(pairs=1) + text(b"general.alignment") + struct.pack("<II", 4, 24), "power of two",
    ),
    "no dimensions": (
        head(tensors=1) + text(b"a") + struct.pack("<I", 0) + bytes(20), "dimensions",
    ),
    "unknown type": (head(tensors=1) + info(b"a", (32,), 77, 0) + bytes(64), "type 77"),
    "empty tensor": (head(tensors=1) + info(b"a", (0,), 0, 0) + bytes(64), "shape"),
    "half a block": (head(tensors=1) + info(b"a", (31,), 8, 0) + bytes(64), "multiple of 32"),
    "crooked offset": (head(tensors=1) + info(b"a", (8,), 0, 8) + bytes(128), "off 32 bytes"),
    "tensor cut": (head(tensors=1) + info(b"a", (64,), 0, 0) + bytes(64), "truncated"),
    "huge tensor": (
        head(tensors=1) + info(b"a", (1 << 62, 1 << 62), 0, 0) + bytes(64), "truncated",
    ),
    "shared bytes": (
        head(tensors=2) + info(b"a", (8,), 0, 0) + info(b"b", (8,), 0, 0) + bytes(128), "share",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_file_is_one_clear_line(tmp_path: Path, name: str) -> None:
    content, words = MALFORMED[name]
    path = tmp_path / "bad.gguf"
    path.write_bytes(content)

    with pytest.raises(WeightsError, match=words) as caught:
        read_gguf(path)

    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no such file"):
        read_gguf(tmp_path / "gone.gguf")


def test_every_cut_is_noticed(file: Path, tmp_path: Path) -> None:
    whole = file.read_bytes()
    path = tmp_path / "cut.gguf"
    end = len(whole.rstrip(b"\0"))
    last = end - len(TENSORS["blocks"].data.rstrip(b"\0"))
    for size in range(last):
        path.write_bytes(whole[:size])
        with pytest.raises(WeightsError):
            read_gguf(path)


def test_no_mutation_escapes(file: Path, tmp_path: Path) -> None:
    """Flipped, replaced, removed and doubled bytes: a file or one clear line, nothing else."""
    whole = file.read_bytes()
    path = tmp_path / "mutant.gguf"
    for seed in range(FUZZ):
        path.write_bytes(mutant(whole, random.Random(seed)))
        complaint, held = outcome(path)
        assert "\n" not in complaint, seed
        assert held <= path.stat().st_size, seed


def outcome(path: Path) -> tuple[str, int]:
    """Return what the reader complains of, and how many bytes of tensors it found."""
    try:
        found = read_gguf(path)
    except WeightsError as error:
        return str(error), 0
    return "", sum(tensor.data.size for tensor in found.tensors.values())


FUZZ = 3_000


def mutant(whole: bytes, chance: random.Random) -> bytes:
    data = bytearray(whole)
    for _ in range(chance.choice((1, 1, 2, 8))):
        at = chance.randrange(len(data))
        match chance.randrange(5):
            case 0:
                data[at] ^= 1 << chance.randrange(8)
            case 1:
                data[at : at + 8] = chance.choice(
                    (bytes(8), b"\xff" * 8, struct.pack("<Q", chance.getrandbits(64)))
                )
            case 2:
                del data[at : at + chance.randrange(1, 16)]
            case 3:
                data[at:at] = data[at : at + chance.randrange(1, 64)]
            case _:
                del data[at:]
        if not data:
            return b""
    return bytes(data)
