"""The actions that know code: definitions, references, symbols, documentation."""

from functools import cached_property, partial
from typing import TYPE_CHECKING

from engine.visible_text import visible
from tui.flows.tool_actions import ToolActions
from tui.widgets.editor import Editor
from tui.widgets.status_line import StatusLine

if TYPE_CHECKING:
    from tui.flows.code.navigate import Navigator
    from tui.flows.code.problems_flow import ProblemsFlow

__all__ = ["CodeActions"]


class CodeActions(ToolActions):
    """An app whose code can be walked through."""

    status: StatusLine

    @cached_property
    def navigator(self) -> "Navigator":
        """Knows the ways through the code."""
        from tui.flows.code.navigate import Navigator

        return Navigator(
            self,
            self.deck,
            self.rules,
            self.jumps,
            private_patterns=lambda: self.settings.privacy.extra_patterns,
            find_word=self._find_word,
            run=partial(self.run_safely, group="files"),
        )

    async def _find_word(self, word: str) -> None:
        await self.files_finder.open(word, whole_word=True)

    async def _on_unmount(self) -> None:
        """End what was started."""
        for tool in ("navigator", "problems"):
            if tool in vars(self):
                await vars(self)[tool].close()

    def action_go_to_definition(self) -> None:
        """Go to where the name at the cursor is defined."""
        self.run_safely(self.navigator.definition, group="navigate", exclusive=True)

    def action_find_references(self) -> None:
        """List where the name at the cursor is used."""
        self.run_safely(self.navigator.references, group="navigate", exclusive=True)

    def action_hover(self) -> None:
        """Show what the name at the cursor means, and what is wrong in its line."""
        problems = self.problems.words_here() if "problems" in vars(self) else []
        work = partial(self.navigator.hover, problems)
        self.run_safely(work, group="navigate", exclusive=True)

    def action_file_symbols(self) -> None:
        """Choose among the symbols of the visible file."""
        self.navigator.list_file()

    def action_repository_symbols(self) -> None:
        """Choose among the symbols of the repository."""
        self.navigator.list_repository()

    # ── problems ────────────────────────────────────────────────────────────────────────────

    @cached_property
    def problems(self) -> "ProblemsFlow":
        """Marks what is wrong with the visible file."""
        from tui.flows.code.problems_flow import ProblemsFlow

        return ProblemsFlow(
            self.deck,
            self.rules.root,
            set_timer=self.set_timer,
            run=partial(self.run_safely, group="problems", exclusive=True),
            show=lambda words: self.status.show(problem=words),
            ruff=lambda: self.settings.editor.ruff,
            tell=lambda words: self.notify(visible(words), severity="warning"),
        )

    def on_deck_changed(self) -> None:
        """Look at the visible file."""
        if self.settings.editor.problems or "problems" in vars(self):
            self.problems.look_soon()

    def on_editor_edited(self, event: Editor.Edited) -> None:
        """Look again after an edit."""
        if self.settings.editor.problems:
            self.problems.look_soon()

    def on_editor_moved(self, event: Editor.Moved) -> None:
        """Show what is wrong where the cursor is."""
        if "problems" in vars(self):
            self.problems.cursor_moved()

    def action_next_problem(self) -> None:
        """Go to the next problem of the visible file."""
        self._step_problem(forward=True)

    def action_previous_problem(self) -> None:
        """Go to the problem before."""
        self._step_problem(forward=False)

    def _step_problem(self, *, forward: bool) -> None:
        if not self.problems.step(forward=forward):
            self.notify("no problem is known in this file", timeout=3)

    def action_list_problems(self) -> None:
        """List the problems of the visible file."""
        self.run_safely(self._list_problems, group="navigate", exclusive=True)

    async def _list_problems(self) -> None:
        places = self.problems.places()
        await self.navigator.choose(f"problems: {len(places):,}", places, "no problem", always=True)
