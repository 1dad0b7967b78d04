"""Has llama.vscode's own code ask `spark-tui serve`, takes what it offers, records what it sent.

    .venv/bin/python scripts/try_llama_vscode.py --plugin LLAMA_VSCODE --modules NODE_MODULES
        [--model M] [--engines N] [--chat] [--record FILE]

LLAMA_VSCODE is a folder with the plugin's repository, NODE_MODULES one with `esbuild` and what the
plugin needs to ask (`axios`, `openai`, `picomatch`); both stay where they are.  The plugin runs in
Node without VS Code: `scripts/bench/llama_vscode_editor.js` stands for the editor.  It reads a
stretch of one file ahead, asks for a cursor in another and for what may follow, and with ``--chat``
has lines edited.  It asks for three texts, and gets as many as there are engines.  Ends with 1
where it offers nothing; the last line is JSON.  With ``--record``, what it sent is written for
`tests/engine/server/http/test_recorded.py`.
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.bench.http_server import recorded, write_record  # noqa: E402

HERE = ROOT / "scripts" / "bench"
OTHER = '''\
"""Lengths, in the units of drawings."""

MILLIMETRES_PER_INCH = 25.4


def inches(millimetres: float) -> float:
    return millimetres / MILLIMETRES_PER_INCH


def millimetres(inches: float) -> float:
    return inches * MILLIMETRES_PER_INCH
'''
BEFORE = """\
class Point:
    def __init__(self, x, y):
        self.x = x
        self.y = """
AFTER = """


print(Point(3, 4).y)
"""
AHEAD_MS = 1500
"""How long the plugin's requests ahead may take before the next one."""


async def bundled(options: argparse.Namespace, folder: Path) -> Path:
    """Return the plugin and what types in it as one file for Node."""
    out = folder / "plugin.mjs"
    aliases = {
        "plugin": options.plugin / "src",
        "plugin-manifest": options.plugin / "package.json",
        "vscode": HERE / "llama_vscode_editor.js",
    }
    require = 'import { createRequire } from "module"; const require = createRequire("/");'
    process = await asyncio.create_subprocess_exec(
        str(options.modules / ".bin" / "esbuild"), str(HERE / "llama_vscode.js"), "--bundle",
        "--platform=node", "--format=esm", "--log-level=error", f"--outfile={out}",
        f"--banner:js={require}", *(f"--alias:{name}={at}" for name, at in aliases.items()),
        env=os.environ | {"NODE_PATH": str(options.modules)},
    )  # fmt: skip
    if await process.wait():
        raise SystemExit("esbuild could not bundle the plugin")
    return out


async def asked(plugin: Path, port: int, folder: Path, *, chat: bool) -> dict[str, Any]:
    """Let the plugin ask; what it offers."""
    endpoint = f"http://127.0.0.1:{port}"
    settings = {"endpoint": endpoint, "endpoint_chat": endpoint, "t_max_predict_ms": 10_000}
    *_, line = BEFORE.split("\n")
    given = {
        "file": str(folder / "point.py"), "text": BEFORE + AFTER, "line": BEFORE.count("\n"),
        "column": len(line), "other_file": str(folder / "units.py"), "other": OTHER,
        "ahead_ms": AHEAD_MS, "chat": chat, "instruction": "add a docstring",
        "line_text": "def inches(millimetres):\n    return millimetres / 25.4",
    }  # fmt: skip
    process = await asyncio.create_subprocess_exec(
        "node", str(plugin), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"SPARK_VSCODE_SETTINGS": json.dumps(settings)},
    )  # fmt: skip
    said, _ = await process.communicate(json.dumps(given).encode())
    answer: dict[str, Any] = json.loads(said.splitlines()[-1]) if said.strip() else {"items": []}
    return answer


def ours(entry: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Return a request without the plugin's prose, and without where this ran."""
    text = json.dumps(entry["request"]).replace(str(folder), "/project")
    request = json.loads(text)
    for message in request.get("messages", ()):
        message["content"] = f"what the {message['role']} says"
    for extra in request.get("input_extra", ()):
        extra["time"] = 0
    return {"path": entry["path"], "request": request}


async def tried(options: argparse.Namespace, folder: Path) -> int:
    """Do it all; return the exit status."""
    plugin = await bundled(options, folder)
    async with recorded(options.model, options.engines) as recorder:
        answer = await asked(plugin, recorder.port, folder, chat=options.chat)
        if options.record:
            write_record(options.record, [ours(each, folder) for each in recorder.seen])
    for entry in recorder.seen:
        print(f"{entry['path']}: {sorted(entry['request'])}\n  → {entry['answer'][:300]}")
    for item in answer["items"]:
        print(f"offered {answer['took_ms']} ms after it was asked:\n{BEFORE}{item}{AFTER}")
    print(json.dumps({"requests": len(recorder.seen), **answer}))
    return 0 if answer["items"] and answer["items"][0].strip() else 1


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--plugin", type=Path, required=True)
    parser.add_argument("--modules", type=Path, required=True)
    parser.add_argument("--model")
    parser.add_argument("--engines", type=int, default=1)
    parser.add_argument("--chat", action="store_true", help="a model that holds conversations")
    parser.add_argument("--record", type=Path)
    options = parser.parse_args()
    options.plugin, options.modules = options.plugin.resolve(), options.modules.resolve()
    with tempfile.TemporaryDirectory(prefix="spark-vscode-") as folder:
        return asyncio.run(tried(options, Path(folder)))


if __name__ == "__main__":
    sys.exit(main())
