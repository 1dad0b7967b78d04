"""Types in a real Neovim with its own language client, takes what `spark-tui lsp` suggests.

    .venv/bin/python scripts/try_neovim_lsp.py --nvim NVIM [--model M]

Takes a suggestion from the list (Neovim 0.11 or newer), then as ghost text where the client knows
inline completion (0.12).  Ends with 1 where nothing is shown, or where the file is not what was
shown.  The last line is JSON.
"""

import argparse
import json
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.bench.neovim import Neovim, until  # noqa: E402

BEFORE = """\
class Point:
    def __init__(self, x, y):
        self.x = x
"""
TYPED = "        self.y = "
"""Goes on in a way that also the bundled model is sure of: what is unlikely is no ghost text."""
AGAIN_SECONDS = 3.0
AFTER = """

print(Point(3, 4).y)
"""
SETUP = r"""
vim.lsp.log.set_level('off')
vim.lsp.config('spark', { cmd = COMMAND, filetypes = { 'python' } })
vim.lsp.enable('spark')
vim.api.nvim_create_autocmd('LspAttach', { callback = function(attached)
  vim.lsp.completion.enable(true, attached.data.client_id, attached.buf)
end })
if INLINE then
  vim.lsp.inline_completion.enable()
  vim.keymap.set('i', '<Tab>', function()
    return vim.lsp.inline_completion.get() and '' or '<Tab>'
  end, { expr = true })
end
function ghost()
  local space = vim.api.nvim_get_namespaces()['nvim.lsp.inline_completion']
  for _, mark in ipairs(vim.api.nvim_buf_get_extmarks(0, space, 0, -1, { details = true })) do
    local lines = { mark[4].virt_text[1][1] }
    for _, line in ipairs(mark[4].virt_lines or {}) do table.insert(lines, line[1][1]) end
    return table.concat(lines, '\n')
  end
  return ''
end
"""


def asked_until(neovim: Neovim, keys: str, holds: Callable[[], bool]) -> None:
    """Press keys that ask, again after a while: a model that is still starting has no answer."""

    def asked() -> bool:
        nonlocal due
        if monotonic() > due:
            neovim.keys(keys)
            due = monotonic() + AGAIN_SECONDS
        return holds()

    due = 0.0
    until(asked, "a suggestion is on the screen")


def from_list(neovim: Neovim) -> str:
    """Take the entry of the list that Ctrl+X Ctrl+O opens."""
    asked_until(neovim, "<C-x><C-o>", lambda: neovim.value("len(complete_info().items)") != "0")
    entry = json.loads(neovim.value("json_encode(complete_info().items[0])"))
    neovim.keys("<C-y>")
    snippet = entry["user_data"]["nvim"]["lsp"]["completion_item"]["textEdit"]["newText"]
    indentation = TYPED[: -len(TYPED.lstrip())]
    return re.sub(r"\\([\\$}])", r"\1", snippet).replace("\n", f"\n{indentation}")


def as_ghost(neovim: Neovim) -> str:
    """Take the ghost text, with the key that the guide names."""
    asked_until(neovim, "<Space><BS>", lambda: neovim.value("v:lua.ghost()") != "")
    shown = neovim.value("v:lua.ghost()")
    neovim.keys("<Tab>")
    return shown


def taken(options: argparse.Namespace, take: Callable[[Neovim], str]) -> dict[str, object]:
    """Type the line in a Neovim of its own, take a suggestion, save, compare."""
    command = [sys.executable, "-m", "tui", "lsp", "--model", options.model]
    inline = "true" if take is as_ghost else "false"
    written = "{ " + ", ".join(map(json.dumps, command)) + " }"
    with tempfile.TemporaryDirectory(prefix="spark-nvim-") as name:
        folder = Path(name)
        file, setup = folder / "point.py", folder / "setup.lua"
        file.write_text(BEFORE + AFTER)
        setup.write_text(SETUP.replace("COMMAND", written).replace("INLINE", inline))
        arguments = ["-u", str(setup), file.name]
        neovim = Neovim(options.nvim, arguments, folder, {"PYTHONPATH": str(ROOT)})
        try:
            neovim.keys(f"{BEFORE.count(chr(10))}Go<C-u>" + TYPED.replace(" ", "<Space>"))
            began = monotonic()
            shown = take(neovim)
            took_ms = round((monotonic() - began) * 1e3)
            neovim.keys("<Esc>:w<CR>")
            until(lambda: TYPED in file.read_text(), "the file is saved")
            same = shown != "" and file.read_text() == f"{BEFORE}{TYPED}{shown}\n{AFTER}"
            print(f"{take.__name__}: {shown!r}, {took_ms} ms with the engine's start; {same=}")
            if not same:
                print(file.read_text())
        finally:
            neovim.close()
    return {"shown": shown, "ms": took_ms, "taken": same}


def main() -> int:
    """Try both ways; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--nvim", required=True)
    parser.add_argument("--model", default="spark-nano")
    options = parser.parse_args()
    report = {take.__name__: taken(options, take) for take in (from_list, as_ghost)}
    print(json.dumps(report))
    return 0 if all(each["taken"] for each in report.values()) else 1


if __name__ == "__main__":
    sys.exit(main())
