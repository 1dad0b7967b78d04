"""Dispatcher: takes requests of other programs to engines, in turn.

For the process that serves them: to each engine it has one connection, as the app has, so that the
app waits for one of these requests at most, however many there are.  Knows no HTTP and no editor.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from engine.protocol.asking import AskReply, AskRequest
from engine.protocol.completion import Completion, CompletionRequest
from engine.protocol.messages import EngineReady, Progress
from engine.server.replica import EngineNotReadyError, Replica, TextRequest
from engine.server.turns import Turns

__all__ = ["Dispatcher"]

MOST_WAITING = 64
"""Requests that wait at most; one more is refused."""

LEAST_SHARED = 0.5
"""A replica whose last text begins with this share of a request's, or more, has read it before.

Source: llama.cpp's server prefers a slot so (``--slot-prompt-similarity``; 0.1 there, of tokens).
Assumed: half, because files of one language begin alike.
"""


class Dispatcher:
    """Some replicas of one model, shared by all who ask.

    Args:
        replicas: The engines, each of which answers one request at a time.
    """

    def __init__(self, *replicas: Replica) -> None:
        self.replicas = replicas
        self.on_state: Callable[[], None] = lambda: None
        """Called in the event loop whenever `ready`, `progress` or `reason` may have changed."""
        self.turns = Turns(MOST_WAITING)
        self._idle: list[Replica] = [*replicas]  # the one that has been idle longest first
        self._read = dict.fromkeys(replicas, "")  # the text that each read last
        for replica in replicas:
            replica.on_state = self._changed

    @property
    def ready(self) -> EngineReady | None:
        """What answers; None: nothing does at the moment."""
        return next((each.ready for each in self.replicas if each.ready is not None), None)

    @property
    def ready_count(self) -> int:
        """How many replicas answer."""
        return sum(each.ready is not None for each in self.replicas)

    @property
    def progress(self) -> Progress | None:
        """The step of getting ready; None: there is none, or one answers already."""
        if self.ready is not None:
            return None
        return next((each.progress for each in self.replicas if each.progress is not None), None)

    @property
    def reason(self) -> str:
        """Why nothing answers, or not all do; empty: all do."""
        lost = (each.reason for each in self.replicas if each.ready is None)
        return next(filter(None, lost), "")

    async def run(self) -> None:
        """Keep the connections until `close`.

        Raises:
            ServerError: There will be no engine at all.
        """
        ends = await asyncio.gather(*(each.run() for each in self.replicas), return_exceptions=True)
        failures = [end for end in ends if isinstance(end, BaseException)]
        if len(failures) == len(ends):
            raise failures[0]

    async def close(self) -> None:
        """End the connections and the requests that are being served; nothing more is told."""
        self.on_state = lambda: None
        await asyncio.gather(*(each.close() for each in self.replicas))

    async def complete(
        self,
        request: CompletionRequest,
        caller: str,
        on_text: Callable[[str], bool] = lambda text: False,
        *,
        automatic: bool = False,
    ) -> Completion:
        """Return the text for a cursor, as `engine.Session.complete` does.

        To cancel the task that waits for it cancels the request.

        Args:
            request: The cursor.
            caller: Who asks: callers take turns.
            on_text: Gets all text so far; returns whether that is enough.
            automatic: Nobody asked for it: less context, and likely text only.

        Raises:
            EngineError: The engine refuses it, is not ready, or is lost; or too many wait.
        """
        answer = await self._served(request, caller, on_text, automatic=automatic)
        assert isinstance(answer, Completion)
        return answer

    async def ask(
        self,
        request: AskRequest,
        caller: str,
        on_text: Callable[[str], bool] = lambda text: False,
    ) -> AskReply:
        """Return the answer to a question; all else is as for `complete`."""
        answer = await self._served(request, caller, on_text)
        assert isinstance(answer, AskReply)
        return answer

    async def _served(
        self,
        request: TextRequest,
        caller: str,
        on_text: Callable[[str], bool],
        *,
        automatic: bool = False,
    ) -> Completion | AskReply:
        """Wait for a turn and have the request answered; in another turn where one is lost."""
        lost = EngineNotReadyError(self.reason)
        for _ in self.replicas:
            async with self.turns.turn(caller):
                with self._taken(_begin(request)) as replica:
                    try:
                        return await replica.answer(request, on_text, automatic=automatic)
                    except EngineNotReadyError as error:
                        self._read[replica] = ""  # its cache is lost, too
                        lost = error
        raise lost

    @contextmanager
    def _taken(self, text: str) -> Iterator[Replica]:
        """Lend an idle replica: one that has read most of a text, else the longest idle one.

        Raises:
            EngineNotReadyError: None is idle.
        """
        able = [each for each in self._idle if each.ready is not None]
        if not able:
            raise EngineNotReadyError(self.reason or "no engine is free; ask again later")
        best = max(able, key=lambda each: _shared(self._read[each], text))
        known = _shared(self._read[best], text) >= LEAST_SHARED * len(text)
        replica = best if known else able[0]
        self._idle.remove(replica)
        self._read[replica] = text
        try:
            yield replica
        finally:
            self._idle.append(replica)

    def _changed(self) -> None:
        # While none answers one is let in at a time, to be refused with the reason.
        self.turns.at_once = max(1, self.ready_count)
        self.on_state()


def _begin(request: TextRequest) -> str:
    """Return the text that a prompt for a request begins with, nearly."""
    if isinstance(request, CompletionRequest):
        return request.prefix
    told = [request.instructions or ""]
    for turn in request.earlier:
        told += [turn.question, turn.answer]
    return "\n".join([*told, request.question])


def _shared(one: str, other: str) -> int:
    """Return how many characters two texts begin with alike."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((at for at, (a, b) in pairs if a != b), min(len(one), len(other)))
