"""A second, small model beside the one that serves: opened once that is ready, if the person wants.

Opens and closes its session; what its suggestions are for is decided in `tui.assist.suggestions`.
"""

from collections.abc import Callable

from engine.protocol.messages import EngineReady, SessionFailed
from tui.assist.quick_session import QuickSession
from tui.link.engine_link import EngineLink

__all__ = ["QuickModel"]


class QuickModel:
    """The session of the second model.

    Args:
        link: The connection.
        use: Hears which session answers quickly from now on; None: none does.
        tell: Tells the person why there is none.
    """

    def __init__(
        self,
        link: EngineLink,
        use: Callable[[QuickSession | None], None],
        tell: Callable[[str], None],
    ) -> None:
        self._link = link
        self._use = use
        self._tell = tell
        self._wanted = ""
        self._session: int | None = None

    def want(self, name: str) -> None:
        """Use another model, or none where ``name`` is empty; open it once one serves."""
        if name != self._wanted:
            self._wanted = name
            self._close()

    def follow(self, event: object, serving: int) -> None:
        """Follow an event of the engine.

        Args:
            event: Anything that it said.
            serving: The session that serves.
        """
        match event:
            case EngineReady(session=session) if session == serving:
                self.open_beside(event.model.name)
            case EngineReady(session=session) if session == self._session:
                self._use(QuickSession(session, event.model))
            case SessionFailed(session=session) if session == self._session:
                self._session = None
                self._use(None)
                self._tell(f"no second model: {event.message}")

    def open_beside(self, serving: str | None) -> None:
        """Open the second model beside the one that serves, unless that is the same one."""
        if serving is None or self._wanted in ("", serving):
            self._close()
        elif self._session is None:
            self._session = self._link.open(self._wanted)

    def _close(self) -> None:
        if self._session is not None:
            self._link.drop(self._session)
        self._session = None
        self._use(None)
