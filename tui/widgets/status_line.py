"""The status line: the file and the cursor, the engine's state, the last suggestion."""

from dataclasses import replace
from typing import Any

from rich.text import Text
from textual.app import App, ComposeResult
from textual.widget import Widget

from tui.visuals.status_text import StatusView, status_text
from tui.widgets.theme_inks import inks_of

__all__ = ["StatusLine"]


class StatusLine(Widget):
    """One line at the bottom; the app tells it what changed with `show`."""

    DEFAULT_CSS = """
    StatusLine { dock: bottom; height: 1; background: $panel; }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.view = StatusView()
        """The facts it shows now."""

    def show(self, **changes: Any) -> None:
        """Replace fields of `StatusView`; draw again if something changed."""
        view = replace(self.view, **changes)
        if view != self.view:
            self.view = view
            self.refresh()

    def render(self) -> Text:
        """Draw for the current width."""
        return status_text(self.view, self.size.width, inks_of(self))


if __name__ == "__main__":
    from tui.link.engine_state import EngineState, Phase

    class Demo(App[None]):
        """The line alone, while kernels compile."""

        def compose(self) -> ComposeResult:
            """Put the line at the bottom."""
            yield StatusLine()

        def on_mount(self) -> None:
            """Give it something to show."""
            state = EngineState(Phase.PREPARING, "compiling matmul", 3, 17)
            self.query_one(StatusLine).show(path="src/app.py", unsaved=True, engine=state)

    Demo().run()
