"""Sends requests for suggestions to the engine, each with a number of its own; hears no answer."""

from collections.abc import Sequence
from typing import Protocol

from engine.protocol.completion import CompletionRequest
from engine.protocol.messages import Cancel, ClientMessage, Complete
from tui.assist.cursor_place import CursorPlace
from tui.assist.recent_chunks import RecentChunks
from tui.settings import SuggestionSettings

__all__ = ["Asker", "RequestChannel"]


class RequestChannel(Protocol):
    """Where requests go: the part of `engine.EngineClient` that is needed here."""

    @property
    def connected(self) -> bool:
        """Whether messages reach an engine process."""
        ...

    def send(self, message: ClientMessage) -> bool:
        """Send a message; False when it was not."""
        ...


class Asker:
    """Asks the engine for text at places.

    Args:
        client: Where requests go.
        secret_patterns: More patterns of private files, from the settings.
        repository: Folder of the repository; None leaves its files unread.
        recent: What the person just saw, which requests about other files bring along.
    """

    def __init__(
        self,
        client: RequestChannel,
        secret_patterns: Sequence[str],
        repository: str | None,
        recent: RecentChunks,
    ) -> None:
        self.session = 0
        """The session that serves."""
        self.ready = False
        """Whether it answers."""
        self._client = client
        self._secret_patterns = tuple(secret_patterns)
        self._repository = repository
        self._recent = recent
        self._number = 0

    def ask(
        self,
        place: CursorPlace,
        settings: SuggestionSettings,
        *,
        multi_line: bool,
        automatic: bool = True,
        threshold: float | None = None,
        others: int = 0,
        tokens: int | None = None,
        session: int | None = None,
        expected: str = "",
    ) -> int | None:
        """Ask for the text at a place.

        Args:
            place: The cursor and its text.
            settings: How much is wanted, and whether other files may be read.
            multi_line: Whether several lines are wanted.
            automatic: Whether nobody asked for it.
            threshold: Mean log-probability from which it is worth showing; None: the model's.
            others: Other texts that are wanted as well.
            tokens: Most tokens; None: as the settings say.
            session: Who is asked; None: the session that serves.
            expected: What may come there; it saves the model time where that is right.

        Returns:
            The request's number; None if there is no engine.
        """
        self._number += 1
        repository = self._repository if settings.repository_knowledge else None
        request = CompletionRequest(
            path=place.path,
            prefix=place.prefix,
            suffix=place.suffix,
            max_tokens=tokens or settings.max_tokens,
            multi_line=multi_line,
            repository=repository,
            root=self._repository,
            private_patterns=self._secret_patterns,
            chunks=() if repository is None else self._recent.beside(place.path),
            expected=expected,
        )
        asked = self.session if session is None else session
        message = Complete(asked, self._number, request, automatic, threshold, others)
        sent = self.ready and self._client.connected and self._client.send(message)
        return self._number if sent else None

    def cancel(self, number: int) -> None:
        """Take a request back."""
        self._client.send(Cancel(number))
