"""Write tui/KEYS.md: every action that has a key, and the name by which it gets another.

``python scripts/keys_page.py`` writes the page; a test fails when it is out of date.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from textual.binding import Binding

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tui.keymap import KeyPart, key_label  # noqa: E402  # the package lies beside this folder
from tui.keys import help_parts, key_parts  # noqa: E402

__all__ = ["render"]

PAGE = ROOT / "tui" / "KEYS.md"

HEAD = """\
# Keys

<!-- scripts/keys_page.py writes this page from the bindings -->

Every action can have other keys. In the settings file, or on the app's settings screen:

```toml
[keys]
"app.save" = "ctrl+s,f12"       # several, with commas
"app.pause_suggestions" = "none"  # no key at all
```

Keys are written as `ctrl+s`, `alt+n`, `f5`, `shift+f5`, `ctrl+pageup`. A key that another action
has is refused at the start, in a line that names both; two actions may exchange theirs. Not every
terminal tells every key: `ctrl+i` is Tab in most, `ctrl+shift+s` is `ctrl+s`, and `alt` needs a
terminal that sends it as Esc.
"""


def render() -> str:
    """Return the page."""
    words = {
        binding.id: binding.description
        for part in help_parts(["…"])
        for binding in Binding.make_bindings(part.bindings)
    }
    return "\n".join([HEAD, *(line for part in key_parts(["…"]) for line in _table(part, words))])


def _table(part: KeyPart, words: dict[str | None, str]) -> Iterator[str]:
    """Yield the lines of one part's table."""
    yield f"## {part.title}\n"
    yield "| action | keys | what it does |"
    yield "| --- | --- | --- |"
    keys: dict[str, list[str]] = {}
    for binding in Binding.make_bindings(part.bindings):
        assert binding.id is not None, binding
        words.setdefault(binding.id, binding.description)
        keys.setdefault(binding.id, []).append(binding.key)
    for name, bound in keys.items():
        labels = ", ".join(map(key_label, bound))
        yield f"| `{name}` | {labels} | {words[name][:1].lower()}{words[name][1:]} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(render(), encoding="utf-8")
    print(PAGE)
