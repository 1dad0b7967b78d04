"""Places in a text, as short as a test needs them."""

from tui.assist.cursor_place import CursorPlace


def at(before: str, after: str = "", path: str = "a.py", language: str | None = "python", **more):
    return CursorPlace(path, language, before, after, **more)
