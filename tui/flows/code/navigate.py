"""Goes to definitions, references and symbols, and shows what a name means.

Python is known by jedi, in a process of its own; other languages by the syntax of their files.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path

from textual.app import App

from engine.repository.ignore import IgnoreRules
from tui.flows.code.jumps import Jumps
from tui.flows.code.symbol_commands import SymbolChoice, symbol_provider
from tui.navigation.places import (
    CodePlace,
    RepositorySymbols,
    by_file,
    definitions_among,
    places_in,
    readable_places,
    word_at,
)
from tui.navigation.python_helper import Cursor, HelperError, PythonHelper
from tui.navigation.symbols import SYMBOL_LANGUAGES, symbols_of
from tui.screens.hover import HoverScreen, Meaning
from tui.screens.places import PlacesScreen
from tui.widgets.deck import Deck, OpenFile

__all__ = ["Navigator"]

_DEFINITION_SECONDS = 8.0
_REFERENCES_SECONDS = 30.0
_HOVER_SECONDS = 8.0


class Navigator:
    """The ways through the code of one app.

    Args:
        app: Shows lists and notices.
        deck: The open files.
        rules: The repository.
        jumps: Shows places.
        private_patterns: Returns more patterns of private files, from the settings.
        find_word: Finds a word in the files of the repository.
        run: Runs a coroutine in the background; a new one takes the place of the one before.
    """

    def __init__(
        self,
        app: App[None],
        deck: Deck,
        rules: IgnoreRules,
        jumps: Jumps,
        *,
        private_patterns: Callable[[], Sequence[str]],
        find_word: Callable[[str], Coroutine[None, None, None]],
        run: Callable[[Callable[[], Coroutine[None, None, None]]], object],
    ) -> None:
        self._app = app
        self._deck = deck
        self._rules = rules
        self._jumps = jumps
        self._private = private_patterns
        self._find_word = find_word
        self._run = run
        self._python = PythonHelper()
        self._symbols = RepositorySymbols(rules)

    async def close(self) -> None:
        """End the process that knows Python."""
        await self._python.close()

    # ── definitions and references ──────────────────────────────────────────────────────────

    async def definition(self) -> None:
        """Go to where the name at the cursor is defined; of several places one is chosen."""
        file, name = self._at_name()
        if file is None or not name:
            return
        if _is_python(file):
            places = await self._asked("definition", file, _DEFINITION_SECONDS)
        else:
            places = await asyncio.to_thread(self._defined_by_syntax, file.editor.text, file, name)
        if places is not None:
            await self.choose(f"definitions of {name}", places, f"no definition of {name}")

    async def references(self) -> None:
        """List where the name at the cursor is used."""
        file, name = self._at_name()
        if file is None or not name:
            return
        if not _is_python(file):
            await self._find_word(name)
            return
        places = await self._asked("references", file, _REFERENCES_SECONDS)
        if places is not None:
            title = f"uses of {name}: {len(places):,}"
            await self.choose(title, places, f"no use of {name}", always=True)

    def _at_name(self, *, quiet: bool = False) -> tuple[OpenFile | None, str]:
        """Return the visible file and the name at its cursor; say so if there is none."""
        file = self._deck.current
        if file is None:
            return None, ""
        row, column = file.editor.cursor_location
        name = word_at(file.editor.document[row], column)
        if not name and not quiet:
            self._tell("there is no name at the cursor")
        return file, name

    async def _asked(self, kind: str, file: OpenFile, seconds: float) -> Sequence[CodePlace] | None:
        """Return the places that jedi knows; None, and a word about it, if it does not answer."""
        try:
            answer = await self._python.ask(kind, self._cursor(file), seconds)
        except HelperError as error:
            self._tell(str(error))
            return None
        places = places_in(answer)
        return await asyncio.to_thread(readable_places, places, self._rules, self._private())

    def _defined_by_syntax(self, text: str, file: OpenFile, name: str) -> Sequence[CodePlace]:
        """Return where this file defines a name, or else where the repository does."""
        here = definitions_among(text, file.path, name)
        return here or self._symbols.named(name, self._private(), self._near(file.path))

    async def choose(
        self, title: str, places: Sequence[CodePlace], none: str, *, always: bool = False
    ) -> None:
        """Show the one place, or a list of several.

        Args:
            title: What they are.
            places: The places.
            none: What to say if there is none, before "was found".
            always: Whether to list a single one, too.
        """
        if not places:
            self._tell(f"{none} was found")
        elif len(places) == 1 and not always:
            await self._go(places[0])
        else:
            files = by_file(places, self._rules.root)
            row = await self._app.push_screen_wait(PlacesScreen(title, files))
            if row is not None:
                place = (row.match or row.file.matches[0]).place
                await self._jumps.go(row.file.path, place.start, place.end)

    async def _go(self, place: CodePlace) -> None:
        await self._jumps.go(place.path, (place.row, place.column), place.end)

    # ── what a name means ───────────────────────────────────────────────────────────────────

    async def hover(self, problems: Sequence[str] = ()) -> None:
        """Show signature and documentation of the name at the cursor.

        Args:
            problems: What is wrong in the cursor's line; shown above, and without a name, too.
        """
        file, name = self._at_name(quiet=bool(problems))
        if file is None or not (name or problems):
            return
        near = file.editor.cursor_screen_offset
        meaning = await self._meaning(file, name) if name else None
        if meaning is None and name and not problems:
            self._tell(f"nothing is known about {name}")
        if meaning is None and problems:
            meaning = Meaning("problems" if len(problems) > 1 else "problem", "", "")
        if meaning is not None:
            await self._app.push_screen(HoverScreen(meaning, problems, near))

    async def _meaning(self, file: OpenFile, name: str) -> Meaning | None:
        """Return what a name at the cursor means; None if that is unknown."""
        if not _is_python(file):
            places = await asyncio.to_thread(self._defined_by_syntax, file.editor.text, file, name)
            lines = [place.line.strip() for place in places[:8]]
            return Meaning(f"defined as {name}", "\n".join(lines), "") if lines else None
        try:
            answer = await self._python.ask("hover", self._cursor(file), _HOVER_SECONDS)
        except HelperError as error:
            self._tell(str(error))
            return None
        if answer is None:
            return None
        title, head = f"{answer['kind']} {answer['name']}", "\n".join(answer["signatures"])
        return Meaning(title, head, answer["text"])

    # ── symbols ─────────────────────────────────────────────────────────────────────────────

    def list_file(self) -> None:
        """Let the person choose among the symbols of the visible file."""
        file = self._deck.current
        language = None if file is None else file.editor.language_name
        if file is None or language not in SYMBOL_LANGUAGES or language is None:
            known = ", ".join(sorted(SYMBOL_LANGUAGES))
            self._tell(f"symbols are known in files of {known}")
            return
        text, path = file.editor.text, file.path

        async def load() -> Sequence[SymbolChoice]:
            return await asyncio.to_thread(_file_choices, text, path, language)

        self._list(load, "Go to a symbol of this file…")

    def list_repository(self) -> None:
        """Let the person choose among the symbols of the repository."""
        file = self._deck.current
        near = "" if file is None else self._near(file.path)

        async def load() -> Sequence[SymbolChoice]:
            return await asyncio.to_thread(self._repository_choices, near)

        self._list(load, "Go to a symbol of the repository…")

    def _list(
        self, load: Callable[[], Coroutine[None, None, Sequence[SymbolChoice]]], words: str
    ) -> None:
        from tui.screens.palette import PatientPalette

        provider = symbol_provider(load, self._chosen)
        self._app.push_screen(PatientPalette(providers=[provider], placeholder=words))

    def _chosen(self, choice: SymbolChoice) -> None:
        self._run(partial(self._go, choice.place))

    def _repository_choices(self, near: str) -> Sequence[SymbolChoice]:
        found = self._symbols.every(self._private(), near)
        return [
            SymbolChoice(place.name, f"{symbol.kind}  {self._shown(place.path)}", place)
            for place, symbol in found
        ]

    # ── helpers ─────────────────────────────────────────────────────────────────────────────

    def _cursor(self, file: OpenFile) -> Cursor:
        row, column = file.editor.cursor_location
        return Cursor(self._rules.root, file.path, file.editor.text, row, column)

    def _near(self, path: Path) -> str:
        return self._shown(path) if path.is_relative_to(self._rules.root) else ""

    def _shown(self, path: Path) -> str:
        root = self._rules.root
        return path.relative_to(root).as_posix() if path.is_relative_to(root) else str(path)

    def _tell(self, words: str) -> None:
        self._app.notify(words, timeout=4)


def _is_python(file: OpenFile) -> bool:
    return file.editor.language_name == "python"


def _file_choices(text: str, path: Path, language: str) -> Sequence[SymbolChoice]:
    lines = text.split("\n")
    return [
        SymbolChoice(
            "  " * each.depth + each.name,
            f"{each.kind}, line {each.row + 1:,}",
            CodePlace(path, each.row, each.column, each.name, lines[each.row]),
        )
        for each in symbols_of(text, language)
    ]
