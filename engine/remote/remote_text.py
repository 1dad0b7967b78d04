"""One text from a server: asked for as a stream, counted, timed, and ended as soon as it is enough.

A server that counts no tokens, or whose count comes only after the end, has them counted here:
each event is a token, and the prompt's are its characters by the server's own count of a sample.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import ceil
from time import perf_counter
from typing import Any

from engine.protocol.completion import HostStats
from engine.remote.abilities import place
from engine.remote.events import read_piece
from engine.remote.http_link import HttpLink
from engine.remote_host import RemoteAddress

__all__ = ["RemoteText", "TextSource"]


@dataclass(slots=True)
class RemoteText:
    """A text, as far as it has come."""

    text: str = ""
    ended: str | None = None
    """``stop`` or ``length``, by the server; None: nobody waited for its end."""
    prompt_tokens: int = 0
    cached_tokens: int = 0
    tokens: int = 0
    began: float = field(default_factory=perf_counter)
    first_at: float | None = None
    """When the first text came, by `time.perf_counter`."""
    last_at: float = 0.0

    @property
    def seconds(self) -> tuple[float, float]:
        """Host time until the first text, and from there to the last."""
        first = self.first_at or perf_counter()
        return first - self.began, max(self.last_at - first, 0.0)

    def host_stats(self, trim_seconds: float = 0.0) -> HostStats:
        """Return the host time: what passed here, so with the network and the server's queue."""
        before, after = self.seconds
        return HostStats(
            prefill_ms=before * 1e3,
            decode_ms=after * 1e3,
            first_text_ms=before * 1e3,
            tokens_per_second=(self.tokens - 1) / after if self.tokens > 1 and after else None,
            trim_ms=trim_seconds * 1e3,
        )


@dataclass(frozen=True, slots=True)
class TextSource:
    """Asks one model for texts.

    Args:
        link: To the host.
        address: The host and the model.
        characters_per_token: By the server's own count.
    """

    link: HttpLink
    address: RemoteAddress
    characters_per_token: float

    def size(self, text: str) -> int:
        """Return about how many tokens a text has."""
        return ceil(len(text) / self.characters_per_token)

    def stream(
        self,
        path: str,
        fields: Mapping[str, Any],
        shown: int,
        on_text: Callable[[str], bool],
        cancelled: Callable[[], bool],
    ) -> RemoteText:
        """Return a text.

        Args:
            path: Behind the address.
            fields: What is asked for, beside the model and the form of the answer.
            shown: Characters that the model reads, for a server that does not count them.
            on_text: Gets all text so far; returns whether that is enough.
            cancelled: Asked at each piece; True ends the text.

        Raises:
            ServerError: The host cannot be reached, or refuses.
        """
        body: dict[str, Any] = {
            "model": self.address.model,
            "stream": True,
            # The second is vLLM's; others pass over it.
            "stream_options": {"include_usage": True, "continuous_usage_stats": True},
            **fields,
        }
        so_far = RemoteText(prompt_tokens=ceil(shown / self.characters_per_token))
        if cancelled():
            return so_far
        for event in self.link.events(place(self.address, path), body):
            piece = read_piece(event)
            so_far.ended = piece.ended or so_far.ended
            so_far.prompt_tokens = piece.prompt_tokens or so_far.prompt_tokens
            so_far.cached_tokens = piece.cached_tokens or so_far.cached_tokens
            if piece.text:
                so_far.text += piece.text
                so_far.tokens += 1
                so_far.last_at = perf_counter()
                so_far.first_at = so_far.first_at or so_far.last_at
            so_far.tokens = piece.completion_tokens or so_far.tokens
            if cancelled() or (piece.text and on_text(so_far.text)):
                break
        return so_far
