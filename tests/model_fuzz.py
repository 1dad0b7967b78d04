"""Spoils tiny models of both formats and loads them: each must load or be refused by one line.

    python -m tests.model_fuzz --count 200000

prints how many inputs of each kind were loaded and how many refused, and every one that did
something else: another exception, more than a line, too much time or memory.  The suite runs a few
thousand (`tests/engine/model/test_model_fuzz.py`).  An input is known by its seed and number.
"""

import argparse
import json
import random
import resource
import signal
import struct
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

from safetensors.numpy import load_file, save_file

from engine.errors import EngineError
from engine.model.families import family_of
from engine.model.families.fields import Fields
from engine.model.formats.checksums import CHECKSUMS_FILE
from engine.model.formats.gguf import read_gguf
from engine.model.formats.shards import INDEX_FILE
from engine.model.load import load_model
from engine.tokenizer import Tokenizer
from tests.gguf_writer import Array, Packed, write_gguf
from tests.tiny import byte_tokenizer, write_tiny_model
from tests.tiny_families import FAMILY_CONFIGS, write_family
from tests.tiny_gguf import (
    FAMILIES,
    SMALL_BLOCKS,
    Sizes,
    random_tensor,
    tiny_gguf_metadata,
    tiny_gguf_shapes,
    write_tiny_gguf,
)

SECONDS = 10.0
"""For one input; the models take milliseconds."""
EXTRA_BYTES = 256 << 20
"""Address space beyond what the program takes before the first input."""
_SMALL: dict[str, int] = {"hidden": 32, "heads": 2, "kv_heads": 1, "head_dim": 16, "ffn": 32}
_TYPES = (*SMALL_BLOCKS, "F32", "F16", "BF16")

_NUMBERS = (
    0, 1, 2, 3, 7, 8, 31, 32, 33, 64, 255, 256, 1024, 4096, 65535, 65536, 1 << 20, (1 << 24) + 1,
    (1 << 31) - 1, 1 << 31, (1 << 32) - 1, 1 << 32, (1 << 40) + 5, (1 << 63) - 1, 1 << 63,
    (1 << 64) - 1,
)  # fmt: skip
"""Lengths, counts and offsets that readers stumble over."""

_VALUES: tuple[Any, ...] = (
    0, 1, -1, 2, 3, 16, 31, 1 << 24, 1 << 31, -(1 << 40), 0.0, -1.0, 1e-30, 1e30, float("nan"),
    float("inf"), True, False, "", "linear", "yarn", "none", "x" * 100, "ü\n\0",
)  # fmt: skip
_ARRAYS = (
    Array("u32", []), Array("u32", [2, 2]), Array("i32", [1, -1]), Array("f32", [1.0] * 3),
    Array("str", []), Array("str", ["a", "b", "a"]), Array("bool", [True, False]),
    Array("u8", list(range(255))), Array("str", [""] * 300), Array("f32", [float("nan")] * 300),
)  # fmt: skip
_JSON_VALUES = (
    *_VALUES[:-4], None, [], {}, [1, 2], {"rope_type": "linear", "factor": 2.0}, 10**30,
    "\ud800", "a\0b", "z" * 50_000,
)  # fmt: skip


# ── spoilt bytes ────────────────────────────────────────────────────────────────────────────


def spoil_bytes(rng: random.Random, data: bytes, head: int) -> bytes:
    """Return bytes with a few changes, most of them in the first ``head``."""
    spoilt = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 4, 16))):
        if spoilt:
            rng.choice(_BYTE_CHANGES)(rng, spoilt, _place(rng, spoilt, head))
    return bytes(spoilt)


def _place(rng: random.Random, data: bytearray, head: int) -> int:
    within = min(head, len(data)) if rng.random() < 0.9 else len(data)
    return rng.randrange(max(1, within))


def _flip(rng: random.Random, data: bytearray, at: int) -> None:
    data[at] ^= 1 << rng.randrange(8)


def _set(rng: random.Random, data: bytearray, at: int) -> None:
    data[at] = rng.randrange(256)


def _number(rng: random.Random, data: bytearray, at: int) -> None:
    width = rng.choice((4, 8))
    number = rng.choice(_NUMBERS) & ((1 << (8 * width)) - 1)
    data[at : at + width] = number.to_bytes(width, "little")


def _cut(rng: random.Random, data: bytearray, at: int) -> None:
    del data[at:]


def _remove(rng: random.Random, data: bytearray, at: int) -> None:
    del data[at : at + rng.choice((1, 4, 8, 32, 500))]


def _insert(rng: random.Random, data: bytearray, at: int) -> None:
    data[at:at] = rng.randbytes(rng.choice((1, 4, 8, 32)))


def _repeat(rng: random.Random, data: bytearray, at: int) -> None:
    data[at:at] = data[at : at + rng.choice((8, 32, 200))]


_BYTE_CHANGES: tuple[Callable[[random.Random, bytearray, int], None], ...] = (
    _flip, _set, _number, _number, _cut, _remove, _insert, _repeat,
)  # fmt: skip


# ── spoilt GGUF files ───────────────────────────────────────────────────────────────────────


class GgufInputs:
    """Spoilt GGUF files."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fuzz.gguf"
        self._whole = []
        for number, family in enumerate(FAMILIES):
            path = folder / f"whole{number}.gguf"
            write_tiny_gguf(path, family, _TYPES, layers=1, seed=number, **_SMALL)
            self._whole.append((path.read_bytes(), _head(path)))

    def write(self, rng: random.Random) -> Path:
        """Write one and return its path."""
        if rng.random() < 0.6:
            data, head = rng.choice(self._whole)
            self.path.write_bytes(spoil_bytes(rng, data, head))
        else:
            self._write_parts(rng)
        return self.path

    def _write_parts(self, rng: random.Random) -> None:
        """Write a sound file of unsound values and tensors."""
        family, sizes = rng.choice(FAMILIES), Sizes(**_SMALL)
        metadata = tiny_gguf_metadata(family, sizes, 1)
        shapes = tiny_gguf_shapes(family, sizes, 1, rng.random() < 0.5)
        numbers = _numpy(rng)
        tensors = {
            name: random_tensor(numbers, rng.choice(_TYPES) if len(shape) == 2 else "F32", shape)
            for name, shape in shapes.items()
        }
        for _ in range(rng.choice((1, 1, 2, 3))):
            if rng.random() < 0.5:
                self._spoil_value(rng, metadata, family)
            else:
                self._spoil_tensor(rng, tensors)
        try:
            write_gguf(self.path, metadata, tensors)
        except (struct.error, OverflowError):  # the writer has no such number
            self.path.write_bytes(b"GGUF")

    @staticmethod
    def _spoil_value(rng: random.Random, metadata: dict[str, object], family: str) -> None:
        keys = [*metadata, *(f"{family}.{name}" for name in _MORE_KEYS), *_WHOLE_KEYS]
        key = rng.choice(keys)
        if rng.random() < 0.2:
            metadata.pop(key, None)
        else:
            metadata[key] = rng.choice((*_VALUES, *_VALUES, *_ARRAYS, *metadata.values()))

    @staticmethod
    def _spoil_tensor(rng: random.Random, tensors: dict[str, Packed]) -> None:
        name = rng.choice(list(tensors))
        tensor = tensors.pop(name)
        what = rng.randrange(5)
        if what == 0:
            return
        if what == 1:
            name = rng.choice((*tensors, name + "x", "rope_freqs.weight", "ü", "x" * 70, ""))
        shape, code, data = tensor.shape, tensor.code, tensor.data
        if what == 2:
            code = rng.randrange(45)
        if what == 3:
            shape = tuple(
                rng.choice((length, length, rng.choice(_NUMBERS)))
                for length in rng.choice((shape, shape[::-1], (*shape, 1), shape[:1], (1, *shape)))
            )
        if what == 4:
            data = spoil_bytes(rng, data, len(data))
        tensors[name] = Packed(shape, code, data)


_MORE_KEYS = (
    "rope.scaling.type", "rope.scaling.factor", "rope.scale_linear", "rope.dimension_count",
    "attention.sliding_window", "attention.sliding_window_pattern", "expert_count",
    "attention.causal", "attention.scale", "rope.freq_base_swa", "vocab_size",
)  # fmt: skip
_WHOLE_KEYS = (
    "general.alignment", "split.count", "tokenizer.ggml.scores", "tokenizer.ggml.add_space_prefix",
    "tokenizer.ggml.unknown_token_id",
)  # fmt: skip


def _head(path: Path) -> int:
    """Return the bytes of a file before its first tensor."""
    return min(tensor.offset for tensor in read_gguf(path).tensors.values())


def _numpy(rng: random.Random) -> Any:
    import numpy as np

    return np.random.default_rng(rng.randrange(1 << 32))


# ── spoilt folders ──────────────────────────────────────────────────────────────────────────


class FolderInputs:
    """Spoilt model folders: one file of a sound one is spoilt, or gone."""

    def __init__(self, folder: Path) -> None:
        self._folders = [_Folder(write_tiny_model(folder / "tiny", layers=1, **_SMALL))]
        self._folders.append(_Folder(_write_shards(folder / "shards")))
        for name, fields in FAMILY_CONFIGS.items():
            self._folders.append(_Folder(_write_family(folder / name, fields)))

    def write(self, rng: random.Random) -> Path:
        """Write one and return its path."""
        return rng.choice(self._folders).spoil(rng)


class _Folder:
    """A model folder of which one file is spoilt at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._whole = {file.name: file.read_bytes() for file in path.iterdir()}
        self._spoilt = ""

    def spoil(self, rng: random.Random) -> Path:
        """Spoil a file and return the folder.  A file that is spoilt loses its checksum."""
        for name in {self._spoilt, CHECKSUMS_FILE} & set(self._whole):
            (self.path / name).write_bytes(self._whole[name])
        self._spoilt = rng.choice(sorted(self._whole))
        file = self.path / self._spoilt
        if rng.random() < 0.02:
            file.unlink()
            return self.path
        file.write_bytes(self._spoilt_bytes(rng, self._whole[self._spoilt]))
        if self._spoilt != CHECKSUMS_FILE:
            (self.path / CHECKSUMS_FILE).unlink(missing_ok=True)
        return self.path

    def _spoilt_bytes(self, rng: random.Random, data: bytes) -> bytes:
        is_header = self._spoilt.endswith(".safetensors")
        end = _header_bytes(data) if is_header else len(data)
        if rng.random() < 0.5:
            return spoil_bytes(rng, data, end)
        if not is_header:
            return _spoilt_json(rng, data)
        header = _spoilt_json(rng, data[8:end])
        return struct.pack("<Q", len(header)) + header + data[end:]


def _write_family(folder: Path, fields: dict[str, Any]) -> Path:
    """Write a tiny model of a family with the vocabulary of `tests.tiny`."""
    small = fields | {"num_hidden_layers": 1, "vocab_size": 288}
    config = family_of(fields["model_type"]).read(Fields(small))
    write_family(folder, small, dict(config.graph("m").weights))
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    return folder


def _write_shards(folder: Path) -> Path:
    """Write a tiny model in two shards and their index."""
    write_tiny_model(folder, layers=1, **_SMALL)
    tensors = load_file(folder / "model.safetensors")
    where = {name: f"model-{1 + number % 2}.safetensors" for number, name in enumerate(tensors)}
    for shard in set(where.values()):
        inside = {name: tensor for name, tensor in tensors.items() if where[name] == shard}
        save_file(inside, folder / shard)
    (folder / INDEX_FILE).write_text(json.dumps({"weight_map": where}))
    for name in ("model.safetensors", CHECKSUMS_FILE):
        (folder / name).unlink()
    return folder


def _header_bytes(data: bytes) -> int:
    return 8 + int.from_bytes(data[:8], "little")


def _spoilt_json(rng: random.Random, data: bytes) -> bytes:
    """Return JSON with some values replaced, left out or doubled."""
    root = json.loads(data)
    for _ in range(rng.choice((1, 1, 2, 3))):
        _spoil_entry(rng, root)
    return json.dumps(root).encode()


def _spoil_entry(rng: random.Random, root: Any) -> None:
    """Replace one value somewhere below ``root``."""
    parent = root
    while True:
        keys = list(parent) if isinstance(parent, dict) else list(range(len(parent)))
        if not keys:
            return
        key = rng.choice(keys)
        child = parent[key]
        if isinstance(child, dict | list) and child and rng.random() < 0.8:
            parent = child
            continue
        if rng.random() < 0.2:
            del parent[key]
        elif isinstance(parent, dict) and rng.random() < 0.2:
            parent[rng.choice((f"{key}x", "head_dim", "sliding_window", "rope_scaling"))] = child
        else:
            parent[key] = rng.choice((*_JSON_VALUES, child))
        return


# ── the run ─────────────────────────────────────────────────────────────────────────────────


class TooSlow(BaseException):
    """An input took longer than `SECONDS`."""


def _too_slow(signum: int, frame: FrameType | None) -> None:
    raise TooSlow


def load(path: Path) -> str:
    """Load a model and its vocabulary and read rows of all tensors; return what came of it.

    ``"loaded"``, ``"refused"``, or what went wrong.
    """
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        model = load_model(path)
        Tokenizer.load(path).encode_part("def f(x):\n    return 'ü'")
        for tensor in model.tensors.values():
            tensor.dequantise(slice(0, 3))
    except EngineError as error:
        said = Exception.__str__(error)  # before it is made one line, which loses where lines ended
        return f"more than a line: {said}" if "\n" in said else "refused"
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    return "loaded"


def fuzz(count: int, seed: int, folder: Path) -> tuple[Counter[str], list[str]]:
    """Load ``count`` inputs and return how many came to what, and what went wrong."""
    kinds = {"gguf": GgufInputs(folder), "folder": FolderInputs(folder)}
    counts: Counter[str] = Counter()
    wrong: list[str] = []
    for number in range(count):
        rng = random.Random(f"{seed}/{number}")
        kind = "gguf" if rng.random() < 0.6 else "folder"
        found = load(kinds[kind].write(rng))
        if found in ("loaded", "refused"):
            counts[f"{kind} {found}"] += 1
        else:
            wrong.append(f"--seed {seed} --only {number} ({kind}): {found}")
    return counts, wrong


def limit_memory() -> None:
    """Allow this process `EXTRA_BYTES` of address space more than it has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + EXTRA_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))


def peak_mib() -> int:
    """Return the most memory that this process has had resident, not its parent before it."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) >> 10


def main() -> int:
    """Run as the command line says; return 1 if something went wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="Load this input alone and show its traceback.")
    options = parser.parse_args()
    signal.signal(signal.SIGALRM, _too_slow)
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as name:
        folder = Path(name)
        if options.only is not None:
            return _load_one(options.seed, options.only, folder)
        load(write_tiny_gguf(folder / "first.gguf"))  # imports take memory, too
        limit_memory()
        counts, wrong = fuzz(options.count, options.seed, folder)
    for line in wrong:
        print(line)
    peak = peak_mib()
    seconds = round(time.perf_counter() - began)
    print(f"{options.count} inputs, {len(wrong)} wrong, {seconds} s, {peak} MiB")
    print(json.dumps({"count": options.count, "wrong": len(wrong), **counts, "peak_mib": peak}))
    return 1 if wrong else 0


def _load_one(seed: int, number: int, folder: Path) -> int:
    kinds = {"gguf": GgufInputs(folder), "folder": FolderInputs(folder)}
    rng = random.Random(f"{seed}/{number}")
    path = kinds["gguf" if rng.random() < 0.6 else "folder"].write(rng)
    model = load_model(path)
    Tokenizer.load(path)
    for tensor in model.tensors.values():
        tensor.dequantise(slice(0, 3))
    return 0


if __name__ == "__main__":
    sys.exit(main())
