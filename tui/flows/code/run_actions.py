"""The actions that run a file, and what is done with what it says."""

from functools import cached_property, partial
from typing import TYPE_CHECKING

from tui.flows.assistant.edit_actions import EditActions
from tui.flows.tool_actions import ToolActions

if TYPE_CHECKING:
    from tui.flows.code.run_file import RunFile
    from tui.widgets.row_list import RowList

__all__ = ["RunActions"]


class RunActions(ToolActions, EditActions):
    """An app that runs the visible file."""

    @cached_property
    def runner(self) -> "RunFile":
        """Runs files."""
        from tui.flows.code.run_file import RunFile

        return RunFile(self, self.deck, self.rules.root, self.jumps, self.flows.save)

    async def _on_unmount(self) -> None:
        """Stop what runs."""
        if "runner" in vars(self):
            await self.runner.stop()

    def action_run_file(self) -> None:
        """Run the visible file, or stop what runs."""
        self.run_safely(self.runner.run, group="run")

    def on_row_list_chosen(self, event: "RowList.Chosen") -> None:
        """Show the place that a line of output names."""
        self.run_safely(partial(self.runner.opened, event.row), group="files")

    def on_output_list_closed(self) -> None:
        """Stop the program and take its output away."""
        self.run_safely(self.runner.close, group="files")

    def on_output_list_fix_asked(self) -> None:
        """Hand the last error to an edit, at its place."""
        self.run_safely(self._fix, group="files")

    async def _fix(self) -> None:
        error = self.runner.output.traceback()
        if not error:
            self.notify("there is no traceback of Python in the output", timeout=4)
        elif await self.runner.show_error():
            self.edits.fix(error)
