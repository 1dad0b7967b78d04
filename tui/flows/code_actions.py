"""The actions that know code: definitions, references, symbols, documentation."""

from functools import cached_property, partial
from typing import TYPE_CHECKING

from tui.flows.tool_actions import ToolActions

if TYPE_CHECKING:
    from tui.flows.navigate import Navigator

__all__ = ["CodeActions"]

_ABOUT_CODE = frozenset(
    {"go_to_definition", "find_references", "file_symbols", "repository_symbols", "hover"}
)


class CodeActions(ToolActions):
    """An app whose code can be walked through."""

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the keys to a screen that is over the app."""
        if action in _ABOUT_CODE and len(self.screen_stack) > 1:
            return False
        return super().check_action(action, parameters)

    @cached_property
    def navigator(self) -> "Navigator":
        """Knows the ways through the code."""
        from tui.flows.navigate import Navigator

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
        if "navigator" in vars(self):
            await self.navigator.close()

    def action_go_to_definition(self) -> None:
        """Go to where the name at the cursor is defined."""
        self.run_safely(self.navigator.definition, group="navigate", exclusive=True)

    def action_find_references(self) -> None:
        """List where the name at the cursor is used."""
        self.run_safely(self.navigator.references, group="navigate", exclusive=True)

    def action_hover(self) -> None:
        """Show what the name at the cursor means."""
        self.run_safely(self.navigator.hover, group="navigate", exclusive=True)

    def action_file_symbols(self) -> None:
        """Choose among the symbols of the visible file."""
        self.navigator.list_file()

    def action_repository_symbols(self) -> None:
        """Choose among the symbols of the repository."""
        self.navigator.list_repository()
