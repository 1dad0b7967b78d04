"""Pictures of the app after a person asked for a suggestion and looks into it by a pane."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec.structs import replace
from textual.pilot import Pilot

from engine.protocol.messages import Complete, Completed
from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.demo_engine import demo_completion
from tui.settings import Settings, SuggestionSettings

__all__ = ["LookCompare", "look_compare"]

LookCompare = Callable[..., bool]
_CALM = SuggestionSettings(delay_ms=10_000, adaptive_delay=False, ahead=False)


def look_compare(
    snap_compare: Any,
    make_app: Callable[..., SparkApp],
    client: FakeClient,
    text: str,
    look: Callable[[Pilot[Any], SparkApp], Awaitable[None]],
) -> LookCompare:
    """Return what compares the screen, at a size and with settings, once ``look`` has looked.

    Args:
        snap_compare: The fixture.
        make_app: The fixture.
        client: The app's engine.
        text: The suggestion; it is answer 5.
        look: Looks into it.
    """

    def asked() -> list[Complete]:
        """Those that a person asked for."""
        every = (each for each in client.sent if isinstance(each, Complete))
        return [each for each in every if not each.automatic]

    async def play(pilot: Pilot[Any]) -> None:
        app = pilot.app
        assert isinstance(app, SparkApp)
        await until(pilot, lambda: app.repo_tree.root.children and app.status.view.line == 9)
        await until(pilot, client.started.is_set)
        client.ready()
        await settled(pilot)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: bool(asked()))
        completion = replace(demo_completion(text), answer=5)
        client.on_event(Completed(asked()[-1].request_id, completion))
        await settled(pilot)
        await look(pilot, app)
        await settled(pilot)

    def compare(size: tuple[int, int], **settings: Any) -> bool:
        chosen = Settings(suggestions=_CALM, **settings)
        app = make_app("package/greeting.py", line=9, settings=chosen)
        result: bool = snap_compare(app, terminal_size=size, run_before=play)
        return result

    return compare
