"""Cut files into compressed parts of a chosen size, and join them again.

For machines that take small files only.  Knows nothing of what the files mean.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import lzma
from collections.abc import Iterator, Sequence
from pathlib import Path

log = logging.getLogger(__name__)

INDEX = "parts.json"
_BLOCK = 1 << 20


def _compressed(path: Path) -> Iterator[bytes]:
    compressor = lzma.LZMACompressor(preset=1)
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield compressor.compress(block)
    yield compressor.flush()


def _pieces(blocks: Iterator[bytes], size: int) -> Iterator[bytes]:
    """Yield the same bytes in pieces of ``size``; the last may be shorter."""
    waiting = bytearray()
    for block in blocks:
        waiting += block
        while len(waiting) >= size:
            yield bytes(waiting[:size])
            del waiting[:size]
    if waiting:
        yield bytes(waiting)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def cut(files: Sequence[Path], folder: Path, part_bytes: int) -> list[Path]:
    """Write ``part-000.xz`` and so on, none larger than ``part_bytes``, and an index.

    Parts left from before are removed; the index is written last.
    """
    if part_bytes < 1:
        raise ValueError(f"a part of {part_bytes} bytes holds nothing")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / INDEX).unlink(missing_ok=True)
    for old in folder.glob("part-*.xz"):
        old.unlink()
    blocks = (block for path in files for block in _compressed(path))
    written, sums = [], {}
    for number, piece in enumerate(_pieces(blocks, part_bytes)):
        path = folder / f"part-{number:03}.xz"
        path.write_bytes(piece)
        sums[path.name] = hashlib.sha256(piece).hexdigest()
        written.append(path)
    index = {
        "files": [
            {"name": path.name, "bytes": path.stat().st_size, "sha256": _digest(path)}
            for path in files
        ],
        "parts": sums,
    }
    (folder / INDEX).write_text(json.dumps(index, indent=1) + "\n", encoding="utf-8")
    log.info("%d files in %d parts under %s", len(files), len(written), folder)
    return written


def _checked(folders: Sequence[Path], sums: dict[str, str]) -> Iterator[bytes]:
    for name, wanted in sums.items():
        path = next((f / name for f in folders if (f / name).exists()), None)
        if path is None:
            raise ValueError(f"{name} is missing from {', '.join(map(str, folders))}")
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != wanted:
            raise ValueError(f"{path} is altered or incomplete; send it again")
        yield data


def join(folders: Sequence[Path], out: Path) -> list[Path]:
    """Write the files that were cut; each appears only when complete and as it was.

    Args:
        folders: Where the index and the parts lie; parts may be spread over several.
        out: Folder for the files.

    Raises:
        ValueError: The index or a part is missing or altered.
    """
    index_path = next((f / INDEX for f in folders if (f / INDEX).exists()), None)
    if index_path is None:
        raise ValueError(f"no {INDEX} in {', '.join(map(str, folders))}")
    index = json.loads(index_path.read_text(encoding="utf-8"))
    blocks = _checked(folders, index["parts"])
    waiting, done = b"", []
    out.mkdir(parents=True, exist_ok=True)
    for entry in index["files"]:
        temporary = out / (entry["name"] + ".tmp")
        decompressor = lzma.LZMADecompressor()
        with temporary.open("wb") as file:
            while not decompressor.eof:
                data = waiting or next(blocks, b"")
                if not data:
                    raise ValueError(f"the parts end inside {entry['name']}")
                file.write(decompressor.decompress(data))
                waiting = decompressor.unused_data
        if _digest(temporary) != entry["sha256"]:
            raise ValueError(f"{entry['name']} is not what was cut; cut and send it again")
        temporary.replace(out / entry["name"])
        done.append(out / entry["name"])
    log.info("joined %d files in %s", len(done), out)
    return done


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``cut`` and ``join``."""
    commands = parser.add_subparsers(dest="action", required=True)
    cutting = commands.add_parser("cut", help="files → parts")
    cutting.add_argument("files", type=Path, nargs="+")
    cutting.add_argument("--out", type=Path, required=True)
    cutting.add_argument("--parts-mib", type=float, default=14)
    joining = commands.add_parser("join", help="parts → files")
    joining.add_argument("folders", type=Path, nargs="+")
    joining.add_argument("--out", type=Path, required=True)


def run(arguments: argparse.Namespace) -> None:
    """Cut or join."""
    if arguments.action == "cut":
        cut(arguments.files, arguments.out, int(arguments.parts_mib * 2**20))
    else:
        join(arguments.folders, arguments.out)
