"""RemoteSession: a model that another engine runs, with the face of `engine.session.Session`.

Opens the parts and lets one request at a time through to them.  Nothing is sent before the person
has agreed to the host, and nothing computed here.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from engine.completion.answers.answer_looks import AnswerLooks
from engine.errors import EngineError, ServerError
from engine.protocol.asking import AskReply, AskRequest, Reading
from engine.protocol.completion import Completion, CompletionRequest, RepositoryStats
from engine.protocol.editing import Edit, EditRequest
from engine.protocol.messages import ModelInfo, OtherText, Progress, Telemetry, WatchedCores
from engine.protocol.peers import PeerComparison
from engine.remote.abilities import Abilities, find_abilities
from engine.remote.fill_prompt import FillWay
from engine.remote.http_link import HttpLink
from engine.remote.pricing import RemotePrices
from engine.remote.remote_answers import RemoteAnswers
from engine.remote.remote_completer import RemoteCompleter
from engine.remote.remote_model import RemoteModel
from engine.remote.remote_rewriter import RemoteRewriter
from engine.remote.remote_text import TextSource
from engine.remote.remote_work import RemoteSnapshot, RemoteView, RemoteWork, describe_remote
from engine.remote_host import RemoteAccess, RemoteAddress, remote_address
from engine.telemetry.wafer_answers import WaferAnswers
from engine.wafer.program import machine as machines

__all__ = ["RemoteSession"]


class RemoteSession:
    """One model of another engine.  Open with `open`.

    `complete`, `rewrite` and `ask` serve one request at a time and block; any thread may call
    them, and `interrupt`, `snapshot` and `telemetry` at any time.
    """

    threads = 0
    processor_path = "remote"

    def __init__(
        self, link: HttpLink, address: RemoteAddress, abilities: Abilities, prices: RemotePrices
    ) -> None:
        self.model = _model_info(address, abilities)
        self.machine = prices.machine
        self._link = link
        self._work = RemoteWork()
        source = TextSource(link, address, abilities.characters_per_token)
        asked = RemoteModel(source, abilities, prices, self._work)
        self._completer = RemoteCompleter(asked)
        self._rewriter = RemoteRewriter(asked)
        self._answers = RemoteAnswers(asked)
        self._lock = Lock()
        self._serves: Callable[[], bool] | None = None  # what tells whether that is cancelled
        self._closed = False

    @classmethod
    def open(
        cls,
        model: str,
        machine: str = "wse3",
        clock_ghz: float | None = None,
        *,
        access: RemoteAccess,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> "RemoteSession":
        """Ask the host what it can do with the model, and price it if its shape is known.

        Args:
            model: Its address.
            machine: Name of the machine that its tokens are priced on.
            clock_ghz: Clock that turns cycles into seconds; None is the machine's own.
            access: Whether text may go there, and the key.
            on_progress: Called in this thread with each step.

        Raises:
            ServerError: The person has not agreed to the host, or it cannot be reached.
            EngineError: It has no such model, or the machine is unknown.
        """
        address = remote_address(model)
        if not access.agreed:
            raise ServerError(
                f"nobody agreed yet that text goes to {address.place}; --yes agrees for good, "
                "SPARK_REMOTE_YES=1 for once"
            )
        report = on_progress or (lambda progress: None)
        spec = machines.get(machine, clock_ghz)
        link = HttpLink(address, access.key)
        report(Progress("model", 0, 1, f"asking {address.place}"))
        abilities = find_abilities(link, address)
        report(Progress("model", 0, 1, "pricing the model"))
        prices = RemotePrices(address.model, spec, abilities.context_length)
        return cls(link, address, abilities, prices)

    @property
    def threshold(self) -> float | None:
        """None: the host tells no probabilities, so every text is shown."""
        return None

    def read_repository(
        self, root: str, private_patterns: tuple[str, ...] = (), near: str = ""
    ) -> RepositoryStats:
        """Read nothing: outlines of imported files are all that a request takes along."""
        return RepositoryStats(0, 0, 0.0, 0.0)

    # ── requests ────────────────────────────────────────────────────────────────────────────

    def complete(
        self,
        request: CompletionRequest,
        *,
        on_text: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        quick: bool = False,
        sure_only: bool = False,
        threshold: float | None = None,
        others: int = 0,
        on_other: Callable[[OtherText], None] | None = None,
        on_prompt: Callable[[str], None] | None = None,
    ) -> Completion:
        """Return the text for a cursor, as `engine.session.Session.complete` does.

        There are no other texts, and none is held back as unlikely: no probabilities are told.
        """
        with self._serving(cancelled) as given_up:
            return self._completer.complete(
                request,
                on_text or (lambda text: None),
                given_up,
                on_prompt or (lambda prompt: None),
            )

    def rewrite(
        self,
        request: EditRequest,
        *,
        on_text: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Edit:
        """Return lines of a text as an instruction wants them."""
        with self._serving(cancelled) as given_up:
            return self._rewriter.rewrite(request, on_text or (lambda text: None), given_up)

    def ask(
        self,
        request: AskRequest,
        *,
        on_reading: Callable[[Reading], None] | None = None,
        on_text: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> AskReply:
        """Return the answer to a question about the code."""
        with self._serving(cancelled) as given_up:
            return self._answers.ask(
                request,
                on_reading or (lambda reading: None),
                on_text or (lambda text: None),
                given_up,
            )

    @property
    def wafer(self) -> WaferAnswers:
        """Refuse questions about cores.

        Raises:
            EngineError: Always.
        """
        raise EngineError(f"{self.model.name} is remote: nothing of it lies on the wafer")

    @property
    def looks(self) -> AnswerLooks:
        """Refuse to look into answers: nothing of them ran here.

        Raises:
            EngineError: Always.
        """
        raise EngineError(f"{self.model.name} is remote: no token of it was on the wafer")

    def beside_peers(self, clock_ghz: float | None) -> PeerComparison:
        """Refuse: what its weights take on other machines is not known here.

        Raises:
            EngineError: Always.
        """
        raise EngineError(f"{self.model.name} is remote: its weights are not known here")

    def interrupt(self) -> None:
        """Have ``cancelled`` asked at once; where it says so, the connection is closed."""
        serves = self._serves
        if serves is not None and serves():
            self._link.cancel()

    def grow(self, cancelled: Callable[[], bool]) -> None:
        """Prepare nothing: nobody asked, so nothing is sent."""

    @contextmanager
    def _serving(self, cancelled: Callable[[], bool] | None) -> Iterator[Callable[[], bool]]:
        """Serve one request, after those before it; lend what tells whether it is given up.

        Raises:
            EngineError: The session is closed.
        """
        asked = cancelled or (lambda: False)
        with self._lock:
            if self._closed:
                raise EngineError("the session is closed; open a new one")
            self._link.renew()
            self._serves = asked
            try:
                yield asked
            finally:
                self._serves = None

    # ── state ───────────────────────────────────────────────────────────────────────────────

    def snapshot(self) -> RemoteSnapshot:
        """Return the totals so far.  Any thread; does not block."""
        return RemoteSnapshot(
            self._work.read(),
            self._serves is not None,
            self._work.position,
            self.model.context_length,
        )

    def view(self, cores: WatchedCores | None) -> RemoteView:
        """Return a view of nothing: no core is at work."""
        return RemoteView()

    def telemetry(
        self,
        sequence: int,
        older: RemoteSnapshot,
        newer: RemoteSnapshot,
        view: RemoteView,
        shown: object = None,
    ) -> Telemetry:
        """Return the message about the interval between two snapshots."""
        return describe_remote(sequence, older, newer)

    def close(self) -> None:
        """Wait for the request that runs, and serve no more."""
        with self._lock:
            self._closed = True


def _model_info(address: RemoteAddress, abilities: Abilities) -> ModelInfo:
    return ModelInfo(
        name=address.model,
        folder="",
        parameters=0,
        layers=0,
        width=0,
        vocabulary=0,
        context_length=abilities.context_length,
        language="any",
        weight_bytes=0,
        fill_in_the_middle=abilities.fills is not FillWay.NONE,
        follows_instructions=abilities.chats,
        remote=address.place,
    )
