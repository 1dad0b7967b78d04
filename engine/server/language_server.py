"""The language server: suggestions for editors over stdin and stdout, in LSP 3.18.

``textDocument/inlineCompletion`` gives the ghost text, ``textDocument/completion`` the same as an
entry of a list, for editors without the former.  What is still asked when the person types on is
cancelled.  A client of the engine process as the app is; computes nothing and reads no file.
"""

import asyncio
import logging
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from engine.errors import EngineError
from engine.protocol.completion import (
    PREFIX_CHARACTERS,
    SUFFIX_CHARACTERS,
    Completion,
    CompletionRequest,
)
from engine.repository.git import nearest_top
from engine.repository.secret_files import secret_file
from engine.server.dispatcher import Dispatcher
from engine.server.list_entry import ListClient, entry_of
from engine.server.replica import EngineNotReadyError
from engine.server.text_positions import offset_of
from engine.version import __version__

__all__ = ["LanguageOptions", "OpenPlace", "Suggester", "language_server", "serve"]

log = logging.getLogger(__name__)

PROGRESS_TOKEN = "spark-tui/starting"


@dataclass(frozen=True, slots=True)
class LanguageOptions:
    """What the server may do."""

    repository: bool = True
    """Whether other files of the repository may be read for a suggestion."""
    private_patterns: tuple[str, ...] = ()
    max_tokens: int = 64


@dataclass(frozen=True, slots=True)
class OpenPlace:
    """Where a suggestion is wanted, in an open document."""

    uri: str
    before: str
    after: str


class Suggester:
    """Asks for suggestions; of each kind of request only the newest is of use.

    Args:
        dispatcher: The way to the engine.
        options: What it may do.
    """

    def __init__(self, dispatcher: Dispatcher, options: LanguageOptions) -> None:
        self.dispatcher = dispatcher
        self._options = options
        self._asked: dict[str, asyncio.Task[Completion]] = {}

    async def suggest(self, kind: str, cursor: OpenPlace, *, automatic: bool) -> str:
        """Return the text for a cursor; empty where there is none to offer.

        Args:
            kind: The method that asks.
            cursor: The place.
            automatic: Nobody asked for it: an unlikely text is not offered.

        Raises:
            asyncio.CancelledError: The client wants it no longer, or a newer one.
        """
        if (older := self._asked.get(kind)) is not None:
            older.cancel()
        request = self._request(cursor)
        if request is None:
            return ""
        asking = self.dispatcher.complete(request, "editor", automatic=automatic)
        task = self._asked[kind] = asyncio.create_task(asking)
        try:
            completion = await task
        except EngineNotReadyError:
            return ""  # the editor asks again with the next key
        except EngineError as error:
            log.info("request refused: %s", error)
            return ""
        finally:
            task.cancel()
            if self._asked.get(kind) is task:
                del self._asked[kind]
        return completion.text if completion.shown or not automatic else ""

    def _request(self, cursor: OpenPlace) -> CompletionRequest | None:
        """Return the request for a cursor; None where the file is private."""
        path, root, patterns = "", None, self._options.private_patterns
        if (found := to_fs_path(cursor.uri)) is not None and cursor.uri.startswith("file:"):
            file = Path(found)
            if secret_file(file, patterns) is not None:
                return None
            folder = nearest_top(file.parent) or file.parent
            path = file.relative_to(folder).as_posix()
            root = str(folder)
        return CompletionRequest(
            path,
            cursor.before[-PREFIX_CHARACTERS:],
            cursor.after[:SUFFIX_CHARACTERS],
            max_tokens=self._options.max_tokens,
            repository=root if self._options.repository else None,
            root=root,
            private_patterns=patterns,
        )


def serve(dispatcher: Dispatcher, options: LanguageOptions) -> None:
    """Serve one editor until it says that it ends, or is gone."""
    # It logs what it sends and gets, which is a person's code.
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)
    language_server(dispatcher, options).start_io()


def language_server(dispatcher: Dispatcher, options: LanguageOptions) -> LanguageServer:
    """Return the server, with all that it answers."""
    server = LanguageServer("spark-tui", __version__)
    suggester = Suggester(dispatcher, options)
    running: set[asyncio.Task[None]] = set()

    @server.feature(lsp.INITIALIZED)
    def begin(params: lsp.InitializedParams) -> None:
        _show_progress(server, dispatcher)
        task = asyncio.create_task(_run(server, dispatcher))
        running.add(task)

    @server.feature(lsp.SHUTDOWN)
    async def end(params: None) -> None:
        await dispatcher.close()

    @server.feature(lsp.TEXT_DOCUMENT_INLINE_COMPLETION, lsp.InlineCompletionOptions())
    async def inline(params: lsp.InlineCompletionParams) -> lsp.InlineCompletionList:
        automatic = params.context.trigger_kind is lsp.InlineCompletionTriggerKind.Automatic
        chosen = params.context.selected_completion_info
        cursor = _cursor(server, params.text_document.uri, params.position)
        if cursor is None:
            return lsp.InlineCompletionList([])
        begun, span = "", lsp.Range(params.position, params.position)
        if chosen is not None:  # the text goes on behind what is selected in a list
            encoding = _encoding(server)
            text = cursor.before + cursor.after
            start = offset_of(text, chosen.range.start.line, chosen.range.start.character, encoding)
            begun, span = chosen.text, chosen.range
            cursor = OpenPlace(cursor.uri, text[:start] + begun, cursor.after)
        method = lsp.TEXT_DOCUMENT_INLINE_COMPLETION
        found = await suggester.suggest(method, cursor, automatic=automatic)
        items = [lsp.InlineCompletionItem(begun + found, range=span)] if found else []
        return lsp.InlineCompletionList(items)

    @server.feature(lsp.TEXT_DOCUMENT_COMPLETION, lsp.CompletionOptions())
    async def listed(params: lsp.CompletionParams) -> lsp.CompletionList:
        cursor = _cursor(server, params.text_document.uri, params.position)
        if cursor is None:
            return lsp.CompletionList(is_incomplete=True, items=[])
        method = lsp.TEXT_DOCUMENT_COMPLETION
        found = await suggester.suggest(method, cursor, automatic=False)
        client = ListClient.of(_encoding(server), server.client_capabilities)
        entry = entry_of(found, cursor.before, params.position, client)
        return lsp.CompletionList(is_incomplete=True, items=[entry] if found.strip() else [])

    return server


def _encoding(server: LanguageServer) -> str:
    """Return what the client and the server count characters in."""
    agreed = server.workspace.position_encoding or lsp.PositionEncodingKind.Utf16
    return lsp.PositionEncodingKind(agreed).value


def _cursor(server: LanguageServer, uri: str, position: lsp.Position) -> OpenPlace | None:
    """Return the texts around a position of a document; None if it is not open.

    pygls would read the file of one that is not, a pipe or a private one, too.
    """
    opened = server.workspace.text_documents.values()
    text = next((each.source for each in opened if each.uri == uri), None)
    if text is None:
        return None
    at = offset_of(text, position.line, position.character, _encoding(server))
    return OpenPlace(uri, text[:at], text[at:])


# ── getting ready ───────────────────────────────────────────────────────────────────────────


async def _run(server: LanguageServer, dispatcher: Dispatcher) -> None:
    """Keep the connection to the engine; say once where there will be none."""
    try:
        await dispatcher.run()
    except EngineError as error:
        shown = lsp.ShowMessageParams(lsp.MessageType.Error, f"spark-tui: {error}")
        server.window_show_message(shown)
    except Exception:
        log.exception("the connection to the engine broke")
        raise


def _show_progress(server: LanguageServer, dispatcher: Dispatcher) -> None:
    """Have the editor show how far the model is, where it can."""
    window = server.client_capabilities.window
    if window is None or not window.work_done_progress:
        return
    begun = False

    def show() -> None:
        nonlocal begun
        step = dispatcher.progress
        progress = server.work_done_progress
        if step is not None and not begun:
            begun = True
            progress.create(PROGRESS_TOKEN)
            progress.begin(PROGRESS_TOKEN, lsp.WorkDoneProgressBegin("spark-tui", percentage=0))
        if step is not None:
            share = 100 * step.done // max(1, step.total)
            told = lsp.WorkDoneProgressReport(message=step.label, percentage=share)
            progress.report(PROGRESS_TOKEN, told)
        elif begun:
            begun = False
            ready = dispatcher.ready
            said = dispatcher.reason if ready is None else f"{ready.model.name} is ready"
            progress.end(PROGRESS_TOKEN, lsp.WorkDoneProgressEnd(message=said))

    dispatcher.on_state = show
