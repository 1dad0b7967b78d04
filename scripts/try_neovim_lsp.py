"""Types in a real Neovim with its own language client, takes what `spark-tui lsp` suggests.

    .venv/bin/python scripts/try_neovim_lsp.py --nvim NVIM [--model M] [--seconds 120]

NVIM is Neovim 0.12 or newer, whose client knows inline completion.  Ends with 1 where nothing is
shown, or where the file is not what was shown.  The last line is JSON.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

TEXT = '''\
def area(width, height):
    """Return the area of a rectangle."""
    return \n
print(area(3, 4))
'''
LINE, COLUMN = 3, 11

SCRIPT = """
local command, out, seconds = ...
vim.lsp.config('spark', { cmd = command, filetypes = { 'python' } })
vim.lsp.enable('spark')
vim.lsp.inline_completion.enable()
vim.cmd.edit('area.py')
local function said(what) io.open(out, 'a'):write(vim.json.encode(what) .. '\\n') end
local function shown()
  local space = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']
  local marks = space and vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true }) or {}
  for _, mark in ipairs(marks) do
    if mark[4].virt_text then return mark[4].virt_text[1][1] end
  end
end
vim.wait(seconds * 1000, function() return #vim.lsp.get_clients({ bufnr = 0 }) > 0 end, 100)
vim.api.nvim_win_set_cursor(0, { LINE, COLUMN - 1 })
vim.api.nvim_input('A')
vim.defer_fn(function()
  local text
  local function look(left)
    text = shown()
    if not text and left > 0 then
      -- A server that is still starting has nothing: another key asks again.
      if left % 20 == 0 then vim.api.nvim_input(' <BS>') end
      return vim.defer_fn(function() look(left - 1) end, 250)
    end
    said({ shown = text or vim.NIL })
    vim.lsp.inline_completion.get()
    vim.defer_fn(function()
      vim.cmd.stopinsert()
      vim.cmd('silent write')
      vim.cmd('qall!')
    end, 500)
  end
  look(seconds * 4)
end, 500)
"""


def main() -> int:
    """Try it; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--nvim", required=True)
    parser.add_argument("--model", default="spark-nano")
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "area.py").write_text(TEXT)
        command = [sys.executable, "-m", "tui", "lsp", "--model", options.model]
        lua = SCRIPT.replace("LINE", str(LINE)).replace("COLUMN", str(COLUMN))
        given = "{ " + ", ".join(map(json.dumps, command)) + " }"
        head = f"local run = loadstring({json.dumps(lua)})\n"
        out = folder / "said.jsonl"
        (folder / "try.lua").write_text(
            f"{head}run({given}, {json.dumps(str(out))}, {options.seconds})\n"
        )
        subprocess.run(
            [options.nvim, "--clean", "--headless", "-c", f"luafile {folder / 'try.lua'}"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            timeout=2 * options.seconds + 60,
            check=False,
        )
        said = [json.loads(line) for line in out.read_text().splitlines()] if out.exists() else []
        text = (folder / "area.py").read_text()
    shown = said[0]["shown"] if said else None
    expected = TEXT.replace("    return \n", f"    return {shown}\n", 1)
    print(f"\nshown: {shown!r}\n{text}")
    same = shown is not None and text == expected
    print(json.dumps({"shown": shown, "taken": same}))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
