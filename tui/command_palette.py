"""The command palette: finds the app's commands, models and the repository's files by name."""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from textual.binding import Binding
from textual.command import DiscoveryHit, Hit, Hits
from textual.content import Content
from textual.markup import escape

from engine import paths
from engine.repository.ignore import IgnoreRules
from engine.repository.listing import Listing, list_files
from engine.visible_text import visible
from tui.code.languages import CODE_SUFFIXES
from tui.files.recent_files import RecentFiles
from tui.format import count_text, file_size_text, path_text
from tui.fuzzy import fuzzy_match, highlighted
from tui.keymap import key_label, keys_of_actions
from tui.keys import EDITOR_KEYS
from tui.settings import Settings
from tui.widgets.editor import Editor
from tui.widgets.steady_provider import SteadyProvider

if TYPE_CHECKING:
    from engine import ModelList
    from engine.model_store import CatalogueModel

__all__ = ["AppCommands", "CommandedApp", "FileCommands", "ModelCommands", "NamedCommands"]

_DISCOVERED_FILES = 200
_RECENT_FILES = 8
_FOUND_FILES = 60
_NAMES_AT_ONCE = 2_000
"""Names that are compared before other things have their turn: a few milliseconds."""
_LOWEST = 1e-3
"""Least score of a file; remarks stand below."""


class CommandedModels(Protocol):
    """What the commands do about models."""

    @property
    def fetching(self) -> str | None:
        """The model that is being fetched."""

    @property
    def serving(self) -> str | None:
        """The name of the model that serves."""

    def choose(self, place: str) -> None:
        """Use another model, once it is ready; until then the old one serves."""

    def choose_elsewhere(self) -> None:
        """Use a model that another engine runs."""

    def fetch(self, offer: "CatalogueModel") -> None:
        """Fetch a model of the catalogue, after a question."""

    def stop_fetching(self) -> None:
        """Stop fetching a model."""

    @property
    def adapting(self) -> bool:
        """Whether a model is being taught the repository."""

    def adapt(
        self, root: Path, private_patterns: tuple[str, ...], model: str | None = None
    ) -> None:
        """Teach the small model a repository."""

    def stop_adapting(self) -> None:
        """Stop teaching it."""


@runtime_checkable
class CommandedApp(Protocol):
    """What the commands use of the app, beside its actions."""

    rules: IgnoreRules
    recent: RecentFiles
    privacy_known: bool
    """Whether the person's private patterns are known; else nothing is read unasked."""
    pane_modes: Sequence[str]
    """What F3 shows, one after another."""

    @property
    def settings(self) -> Settings:
        """The settings that hold now."""

    @property
    def editor(self) -> Editor | None:
        """The editor of the visible file."""

    @property
    def file_name(self) -> str:
        """The visible file, relative to the repository; empty without one."""

    @property
    def models(self) -> CommandedModels:
        """What is done about models."""

    def open_path(self, path: Path, line: int | None = None) -> None:
        """Open a file."""

    def change_setting(self, name: str, value: object) -> None:
        """Give a setting another value, now and for later starts."""

    def edit_commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield the prepared instructions of edits."""

    def suggestion_commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield what there is to do about suggestions."""

    def recording_commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield what there is to do with recorded sessions."""

    def pane_commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield what there is to do with a pane."""

    def wafer_commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield what there is to do with the wafer map."""


def _commanded(app: object) -> CommandedApp:
    """Return the screen's app as one that takes these commands."""
    if not isinstance(app, CommandedApp):
        raise TypeError(f"these commands are for SparkApp, not {type(app).__name__}")
    return app


class NamedCommands(SteadyProvider):
    """Commands that are found by their names."""

    async def discover(self) -> Hits:
        """List all commands."""
        for name, text, run in self._commands():
            yield DiscoveryHit(Content(name), run, help=escape(visible(text)))

    async def search(self, query: str) -> Hits:
        """List the commands that match."""
        for name, text, run in self._commands():
            match = fuzzy_match(query, name)
            if match is not None:
                shown = highlighted(name, match.offsets, self.match_style)
                yield Hit(match.score, shown, run, help=escape(visible(text)))

    @abstractmethod
    def _commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield name, one line of help, and what to do."""


class AppCommands(NamedCommands):
    """All commands of the app, and the settings that can change while it runs."""

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        modes = ", ".join(_commanded(self.app).pane_modes)
        keys = keys_of_actions(self.app.BINDINGS, self.app._keymap)
        for name, text, action in (
            ("Open file", "by name", "open_by_name"),
            ("New file", "on disk when it is saved", "new_file"),
            ("New folder", "beside the tree's cursor", "new_folder"),
            ("Rename file", "or move it: the visible file", "rename_file"),
            ("Delete file", "to the trash: the visible file", "delete_file"),
            ("Save", "the visible file", "save"),
            ("Save as", "under another path", "save_as"),
            ("Save all", "every open file with unsaved text", "save_all"),
            ("Close file", "asks if it is unsaved", "close_file"),
            ("Next open file", "tab to the right", "show_tab(1)"),
            ("Previous open file", "tab to the left", "show_tab(-1)"),
            ("Find", "in the visible file", "find"),
            ("Replace", "in the visible file, one by one or all", "replace"),
            ("Find next", "match of what was looked for last", "find_next"),
            ("Find previous", "match of it", "find_previous"),
            ("Find in repository", "and replace in many files", "find_in_files"),
            (
                "Take back replacement in repository",
                "the newest one, in all its files, open or closed",
                "take_back_replacement",
            ),
            ("Go to definition", "of the name at the cursor", "go_to_definition"),
            ("Find references", "uses of the name at the cursor", "find_references"),
            ("Show documentation", "of the name at the cursor", "hover"),
            ("Symbols of the file", "classes, functions, headings", "file_symbols"),
            ("Symbols of the repository", "by some of their letters", "repository_symbols"),
            ("Changes since the last commit", "of the visible file", "show_changes"),
            ("Run this file", "saved first; its output below; again stops it", "run_file"),
            ("Problems", "what is wrong with the visible file", "list_problems"),
            ("Next problem", "of the visible file", "next_problem"),
            ("Previous problem", "of the visible file", "previous_problem"),
            ("Go back", "to before the last jump", "go_back"),
            ("Go forward", "again", "go_forward"),
            ("Go to line", "and column", "go_to_line"),
            ("Edit by instruction", "selection, statement or file", "edit"),
            ("Ask about the code", "a question and its answer", "ask"),
            ("Explain", "the selection, or the statement at the cursor", "explain"),
            ("Clear the conversation", "forget what was asked here", "clear_conversation"),
            ("Suggest now", "at the cursor", "suggest"),
            ("X-ray", "of the suggestion, token by token, or of the last one", "xray"),
            ("What if", "the suggestion on another wafer: SRAM, links, sums …", "what_if"),
            ("Beside other machines", "the same token on GPUs, TPUs, this computer", "peers"),
            ("Pause or resume suggestions", "", "toggle_paused"),
            ("Copy suggestion", "the ghost text, to the clipboard", "copy_suggestion"),
            ("Show or hide the tree", "", "toggle_tree"),
            ("Show or hide the panes", "", "toggle_panes"),
            ("Next pane", modes, "next_pane"),
            ("Wrap long lines", "or not, from now on", "toggle_soft_wrap"),
            ("Refresh the tree", "reads folders and .gitignore again", "refresh_tree"),
            ("Numbers", "what became of suggestions, and how long they took", "numbers"),
            (
                "Record or stop recording",
                "the session, into a file; “Play the recording of …” plays it",
                "toggle_recording",
            ),
            ("Connect to the engine again", "after it failed to start", "connect_again"),
            ("Change theme", "the colours of the app", "change_theme"),
            ("Settings", "all of them, and all keys", "settings"),
            ("Help", "keys and panes", "help"),
            ("Quit", "asks about unsaved files", "quit"),
        ):
            label = " ".join(map(key_label, keys.get(action, ())))
            shown = f"{text} ({label})" if label else text
            yield name, shown.strip(), partial(self.app.run_action, action)
        yield from _editor_commands(_commanded(self.app), self.app._keymap)
        yield from _commanded(self.app).edit_commands()
        yield from _commanded(self.app).suggestion_commands()
        yield from _commanded(self.app).recording_commands()
        yield from _commanded(self.app).pane_commands()
        yield from _commanded(self.app).wafer_commands()
        yield from self._settings()

    def _settings(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield the settings that can change while the app runs, with their other values."""
        app = _commanded(self.app)
        now = app.settings
        for delay in (0, 50, 100, 200, 400, 800):
            if delay != now.suggestions.delay_ms:
                text = f"rest before a suggestion; now {now.suggestions.delay_ms} ms"
                change = partial(app.change_setting, "suggestions.delay_ms", delay)
                yield f"Setting: delay {delay} ms", text, change
        for field, words in (
            ("automatic", "automatic suggestions"),
            ("multi_line", "several lines per suggestion"),
        ):
            value = getattr(now.suggestions, field)
            text = f"now {'on' if value else 'off'}"
            change = partial(app.change_setting, f"suggestions.{field}", not value)
            yield f"Setting: {words} {'off' if value else 'on'}", text, change
        for tokens in (16, 32, 64, 128):
            if tokens != now.suggestions.max_tokens:
                text = f"longest suggestion; now {now.suggestions.max_tokens}"
                change = partial(app.change_setting, "suggestions.max_tokens", tokens)
                yield f"Setting: at most {tokens} tokens", text, change
        for interval in (125, 200, 500, 1000):
            if interval != now.panes.interval_ms:
                text = f"time between updates; now {now.panes.interval_ms} ms"
                change = partial(app.change_setting, "panes.interval_ms", interval)
                yield f"Setting: panes every {interval} ms", text, change


def _editor_commands(
    app: CommandedApp, keymap: Mapping[str, str]
) -> Iterator[tuple[str, str, Callable[[], object]]]:
    """Yield what the editor's keys do to the visible file."""
    editor = app.editor
    if editor is None:
        return
    actions = {each.id: each.action for each in Binding.make_bindings(Editor.BINDINGS) if each.id}
    # A binding of several keys is made several times.
    for each in {each.id: each for each in Binding.make_bindings(EDITOR_KEYS)}.values():
        name = each.description[0].upper() + each.description[1:]
        keys = keymap.get(each.id or "", each.key).split(",")
        run = partial(editor.run_action, actions[each.id or ""])
        yield f"Editor: {name}", " ".join(map(key_label, keys)), run


class ModelCommands(NamedCommands):
    """The models on this computer, and those that can be fetched."""

    _models: "ModelList"
    _offers: "list[CatalogueModel]"

    async def startup(self) -> None:
        """Look for models; the heads of files are read only once."""
        self._commanded = _commanded(self.app)
        folders = [paths.expanded(folder) for folder in self._commanded.settings.models.folders]
        self._models, self._offers = await asyncio.to_thread(_models_and_offers, folders)

    def _commands(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        app = self._commanded
        serving = app.models.serving
        for model in self._models.models:
            if model.problem is None:
                facts = [model.source, model.family or "", file_size_text(model.size_bytes)]
                facts += [] if model.fill_in_the_middle else ["prefix only"]
                facts += ["the default"] if model.default else []
                facts += ["serves now"] if model.name == serving else []
                text = ", ".join(filter(None, facts))
                yield f"Model: {visible(model.name)}", text, partial(app.models.choose, model.path)
        text = "of vLLM, llama.cpp, Ollama …; asks before anything is sent"
        yield "Model: in another engine", text, app.models.choose_elsewhere
        for offer in self._offers:
            text = f"{file_size_text(offer.download_bytes)}, {offer.licence}; {offer.gains}"
            yield f"Model: fetch {offer.name}", text, partial(app.models.fetch, offer)
        fetching = app.models.fetching
        if fetching is not None:
            yield f"Model: stop fetching {fetching}", "what came is kept", app.models.stop_fetching
        if app.privacy_known:
            yield self._adapting()
            yield from self._adapting_what_serves()

    def _adapting_what_serves(self) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """Yield teaching the model that serves, if it is another one and can be taught."""
        app = self._commanded
        named = (model for model in self._models.models if model.name == app.models.serving)
        serving = next(named, None)
        if serving is None or serving.source in ("bundled", "adapted") or app.models.adapting:
            return
        patterns = app.settings.privacy.extra_patterns
        yield (
            f"Model: adapt {visible(serving.name)} to this repository",
            "by low-rank adapters; takes long; kept if it is better",
            partial(app.models.adapt, app.rules.root, patterns, serving.path),
        )

    def _adapting(self) -> tuple[str, str, Callable[[], object]]:
        """Return what there is to do about teaching a model the repository."""
        app = self._commanded
        if app.models.adapting:
            stop = app.models.stop_adapting
            return "Model: stop adapting", "what was learnt so far is kept", stop
        patterns = app.settings.privacy.extra_patterns
        return (
            "Model: adapt to this repository",
            "spark-nano learns its files in idle minutes; kept if it is better",
            partial(app.models.adapt, app.rules.root, patterns),
        )


def _models_and_offers(folders: Sequence[Path]) -> "tuple[ModelList, list[CatalogueModel]]":
    """Return what is on this computer, and what of the catalogue is not."""
    from engine import list_models, model_store

    fetched = {model.name for model in model_store.installed()}
    offers = [each for each in model_store.available() if each.offered and each.name not in fetched]
    return list_models(folders), offers


class FileCommands(SteadyProvider):
    """The files that git does not ignore, found by parts of their paths, the nearest first.

    Before anything is typed, those that were open last come before them.
    """

    _recent: list[Path]
    _files: "list[tuple[str, Path]]"
    _unlisted: str

    async def startup(self) -> None:
        """Read the repository's file names."""
        self._commanded = app = _commanded(self.app)
        self._recent = await asyncio.to_thread(app.recent.read)
        self._files, self._unlisted = await asyncio.to_thread(_found, app.rules, app.file_name)

    async def discover(self) -> Hits:
        """List the files that were open last, then the nearest."""
        root = self._commanded.rules.root
        visible_file = root / self._commanded.file_name
        recent = [path for path in self._recent if path != visible_file][:_RECENT_FILES]
        for path in recent:
            open_it = partial(self._commanded.open_path, path)
            yield DiscoveryHit(Content(path_text(path, root)), open_it, help="open lately")
        for name, path in self._files[:_DISCOVERED_FILES]:
            if path in recent:
                continue
            yield DiscoveryHit(Content(name), partial(self._commanded.open_path, path))
        left_out = len(self._files) - _DISCOVERED_FILES
        if left_out > 0:
            yield DiscoveryHit(
                *_remark(f"{count_text(left_out)} files more: type a part of the name")
            )
        if self._unlisted:
            yield DiscoveryHit(*_remark(self._unlisted))

    async def search(self, query: str) -> Hits:
        """List the files whose paths match; of equal matches the nearer one comes first."""
        query = query.replace(" ", "")
        matches = []
        for number, (name, path) in enumerate(self._files):
            match = fuzzy_match(query, name)
            if match is not None:
                matches.append((match.score - len(name) * 1e-4, -number, name, path, match.offsets))
            if number % _NAMES_AT_ONCE == 0:
                await asyncio.sleep(0)  # the next key, or Esc, ends this search
        matches.sort(reverse=True)
        for score, _, name, path, offsets in matches[:_FOUND_FILES]:
            shown = highlighted(name, offsets, self.match_style)
            yield Hit(max(score, _LOWEST), shown, partial(self._commanded.open_path, path))
        left_out = len(matches) - _FOUND_FILES
        if left_out > 0:
            yield Hit(
                _LOWEST / 2, *_remark(f"{count_text(left_out)} matches more: type more of the name")
            )
        if self._unlisted:
            yield Hit(_LOWEST / 4, *_remark(self._unlisted))


def _found(rules: IgnoreRules, near: str) -> tuple[list[tuple[str, Path]], str]:
    """Return the names and paths of files, the nearest first, and what is to say of others."""
    found = list_files(rules, near=near, first=CODE_SUFFIXES)
    paths = [rules.root / name for name in found.names]
    return [(path_text(path, rules.root), path) for path in paths], _unlisted(found)


def _unlisted(found: Listing) -> str:
    """Return a remark about the files that are in no list; empty if all are."""
    if not found.whole:
        return "not all folders were looked at: there are too many; the farthest are missing"
    if found.left_out:
        number = count_text(found.left_out)
        return f"the {number} files farthest away are not listed: there are too many"
    return ""


def _remark(text: str) -> tuple[Content, Callable[[], None]]:
    """Return a line of the palette that is no command."""
    return Content(f"… {text}"), lambda: None
