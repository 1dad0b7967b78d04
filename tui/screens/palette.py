"""The command palette in which Enter waits for the search: it takes the first of what is found.

Textual's own palette takes what the list shows at that moment: for a quarter of a second after a
key that is the search before it, or nothing.  Knows no command.
"""

from textual import on
from textual.command import CommandList, CommandPalette
from textual.widgets import Input
from textual.worker import Worker

__all__ = ["PatientPalette"]


class PatientPalette(CommandPalette):
    """A palette in which no Enter is lost; made as Textual's."""

    _chosen_early = False
    """Whether Enter was pressed while the search goes on."""

    @on(Input.Changed)
    def _search_again(self) -> None:
        """Begin to type something else: an Enter before that no longer counts."""
        self._chosen_early = False

    @on(Input.Submitted)
    def _wait_for_the_search(self, event: Input.Submitted) -> None:
        """Keep Enter until the search is over."""
        if self._searching:
            event.stop()
            event.prevent_default()
            self._chosen_early = True

    @property
    def _searching(self) -> bool:
        return any(
            worker.group == self._GATHER_COMMANDS_GROUP and not worker.is_finished
            for worker in self.workers
            if worker.node is self
        )

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Take the first of what was found for an Enter that waited."""
        over = event.worker.group == self._GATHER_COMMANDS_GROUP and event.worker.is_finished
        if not over or self._searching or not self._chosen_early:
            return
        self._chosen_early = False
        found = self.query_one(CommandList)
        if found.option_count and found.get_option_at_index(0).id != self._NO_MATCHES:
            self._list_visible = True
            found.highlighted = 0
            self._action_command_list("select")
