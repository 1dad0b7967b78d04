"""What the engine process asks of a session, wherever its model runs."""

from collections.abc import Callable
from typing import Any, Protocol

from engine.completion.answers.answer_looks import AnswerLooks
from engine.protocol.asking import AskReply, AskRequest, Reading
from engine.protocol.completion import Completion, CompletionRequest
from engine.protocol.editing import Edit, EditRequest
from engine.protocol.messages import MachineInfo, ModelInfo, OtherText, Telemetry, WatchedCores
from engine.protocol.peers import PeerComparison
from engine.telemetry.wafer_answers import WaferAnswers

__all__ = ["ServedSession"]


class ServedSession(Protocol):
    """The part of `engine.session.Session` that `engine.remote.RemoteSession` has, too.

    Snapshots and views are of the session's own kind; nobody else looks into them.
    """

    model: ModelInfo
    machine: MachineInfo
    threads: int
    processor_path: str

    @property
    def wafer(self) -> WaferAnswers:
        """Answers questions about single cores; EngineError where nothing lies on the wafer."""
        ...

    @property
    def looks(self) -> AnswerLooks:
        """Looks into the last answers; EngineError where none was made on the wafer."""
        ...

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
        """Return the text for a cursor."""
        ...

    def rewrite(
        self,
        request: EditRequest,
        *,
        on_text: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Edit:
        """Return lines as an instruction wants them."""
        ...

    def ask(
        self,
        request: AskRequest,
        *,
        on_reading: Callable[[Reading], None] | None = None,
        on_text: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> AskReply:
        """Return the answer to a question."""
        ...

    def beside_peers(self, clock_ghz: float | None) -> PeerComparison:
        """Return a token of the model on other machines."""
        ...

    def interrupt(self) -> None:
        """Have ``cancelled`` asked at once.  Any thread."""

    def grow(self, cancelled: Callable[[], bool]) -> None:
        """Prepare for the next request, in idle time."""

    def snapshot(self) -> Any:
        """Return the totals so far and the state now.  Any thread."""

    def view(self, cores: WatchedCores | None) -> Any:
        """Return a view of cells of cores.  Any thread."""

    def telemetry(
        self, sequence: int, older: Any, newer: Any, view: Any, shown: Any = None
    ) -> Telemetry:
        """Return the message about the interval between two snapshots.  Any thread."""
        ...

    def close(self) -> None:
        """Serve no more."""
