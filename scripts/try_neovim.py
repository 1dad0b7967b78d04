"""Types in a real Neovim with llama.vim, takes what `spark-tui serve` suggests, compares files.

    .venv/bin/python scripts/try_neovim.py --nvim NVIM --plugin LLAMA_VIM [--model M]
        [--record FILE]

NVIM is a Neovim of version 0.10 or newer, LLAMA_VIM a folder with the plugin's repository; both
stay where they are.  Looks at one file, so that the plugin sends a stretch of it ahead, types in
another, and ends with 1 where that is not what was shown.  The last line is JSON.  With
``--record``, what the plugin sent is written for `tests/engine/server/http/test_recorded.py`.
Needs curl, as the plugin does.
"""

import argparse
import asyncio
import json
import sys
import tempfile
from pathlib import Path
from time import monotonic
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.bench.http_server import Recorder, recorded, write_record  # noqa: E402
from scripts.bench.neovim import Neovim, until  # noqa: E402

OTHER = '''\
"""Lengths, in the units of drawings."""

MILLIMETRES_PER_INCH = 25.4


def inches(millimetres: float) -> float:
    return millimetres / MILLIMETRES_PER_INCH
'''
BEFORE = '''\
"""Shapes, for drawing."""

from dataclasses import dataclass


@dataclass
class Rectangle:
    """A rectangle with two sides."""

    width: float
    height: float

    def area(self) -> float:
        return self.width * self.height

    def perimeter(self) -> float:
'''
TYPED = "        return "
AFTER = """

def double(shape: Rectangle) -> Rectangle:
    return Rectangle(2 * shape.width, 2 * shape.height)
"""
SHOWN = 'len(nvim_buf_get_extmarks(0, nvim_create_namespace("vt_fim"), 0, -1, {}))'


def typed_and_taken(neovim: Neovim, recorder: Recorder) -> tuple[str, float]:
    """Type a line, take the suggestion, save; what was suggested and how long it took in ms."""
    neovim.keys(":edit shapes.py<CR>")
    until(lambda: any(each["request"]["n_predict"] == 0 for each in recorder.seen), "reading ahead")
    line = BEFORE.count("\n")
    neovim.keys(f"{line}Go")  # a line below, in insert mode
    neovim.keys("<C-u>" + TYPED.replace(" ", "<Space>"))
    began = monotonic()
    until(lambda: neovim.value(SHOWN) != "0", "a suggestion is on the screen")
    took_ms = (monotonic() - began) * 1e3
    shown = neovim.value(
        'json_encode(map(nvim_buf_get_extmarks(0, nvim_create_namespace("vt_fim"), 0, -1, '
        '{"details": v:true}), "v:val[3]"))'
    )
    neovim.keys("<Tab>")
    neovim.keys("<Esc>:w<CR>")
    return text_of(json.loads(shown)), took_ms


def text_of(marks: list[dict[str, Any]]) -> str:
    """Return the suggestion that marks on the screen show."""
    lines: list[str] = []
    for mark in marks:
        if mark.get("virt_text"):
            lines.insert(0, "".join(piece for piece, *_ in mark["virt_text"]))
        lines += ["".join(piece for piece, *_ in row) for row in mark.get("virt_lines", ())]
    return "\n".join(lines)


async def served(options: argparse.Namespace, folder: Path) -> int:
    """Start the server and the recorder, then type in a thread beside them."""
    async with recorded(options.model) as recorder:
        return await asyncio.to_thread(tried, options, folder, recorder)


def tried(options: argparse.Namespace, folder: Path, recorder: Recorder) -> int:
    """Do it all and compare; return the exit status."""
    file = folder / "shapes.py"
    file.write_text(BEFORE + AFTER)
    (folder / "units.py").write_text(OTHER)
    endpoint = f"http://127.0.0.1:{recorder.port}/infill"
    config = {"endpoint_fim": endpoint, "show_info": 0, "t_max_predict_ms": 10_000}
    plugin = ["--cmd", f"set runtimepath+={options.plugin.resolve()}"]
    plugin += ["--cmd", f"let g:llama_config = {json.dumps(config)}"]
    neovim = Neovim(options.nvim, [*plugin, "units.py"], folder)
    try:
        shown, took_ms = typed_and_taken(neovim, recorder)
        found = BEFORE + TYPED + shown + "\n" + AFTER
        until(lambda: TYPED in file.read_text(), "the file is saved")
        if file.read_text() != found:
            print(f"shown: {shown!r}\nexpected:\n{found}\nfound:\n{file.read_text()}")
            return 1
        if options.record:
            write_record(options.record, recorder.seen)
    finally:
        neovim.close()
    extra = sum(bool(each["request"]["input_extra"]) for each in recorder.seen)
    print(f"suggested and taken: {shown!r}; {took_ms:.0f} ms of host time from key to screen")
    print(f"{len(recorder.seen)} requests, {extra} with a stretch of the other file")
    print(json.dumps({"shown": shown, "key_to_screen_ms": took_ms, "requests": len(recorder.seen)}))
    return 0


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nvim", required=True)
    parser.add_argument("--plugin", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="spark-nvim-") as folder:
        return asyncio.run(served(options, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
