"""The pane of other machines in the app: asked for while it is seen, and only then."""

from collections.abc import Callable

from engine.protocol.messages import Compare, Compared, Completed, Failed
from tests.tui.app.fakes import FakeClient, settled, until
from tui.app import SparkApp
from tui.demo_engine import demo_comparison, demo_completion
from tui.widgets.peers_pane import PeersPane

MakeApp = Callable[..., SparkApp]


def asked(client: FakeClient) -> list[Compare]:
    return [message for message in client.sent if isinstance(message, Compare)]


async def test_it_asks_once_it_is_seen_and_again_after_a_completion(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        client.on_event(Completed(1, demo_completion("x")))
        await settled(pilot)
        assert asked(client) == []

        await app.run_action("peers")
        await until(pilot, lambda: bool(asked(client)))
        client.on_event(Compared(asked(client)[-1].request_id, demo_comparison()))
        pane = app.query_one(PeersPane)
        await until(pilot, lambda: pane.shown is not None)
        assert "≤ 8.48k" in pane.render().plain

        before = len(asked(client))
        client.on_event(Completed(2, demo_completion("y")))
        await until(pilot, lambda: len(asked(client)) > before)


async def test_a_refusal_is_told_and_an_old_answer_is_not_shown(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        await app.run_action("peers")
        await until(pilot, lambda: bool(asked(client)))
        number = asked(client)[-1].request_id
        pane = app.query_one(PeersPane)
        client.on_event(Compared(number - 1, demo_comparison()))
        client.on_event(Failed(number, "it is remote"))
        await until(pilot, lambda: pane.render().plain == "it is remote")
        assert pane.shown is None


async def test_nothing_is_asked_before_a_model_is_ready(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, client.started.is_set)
        await app.run_action("peers")
        await settled(pilot)
        assert asked(client) == []
        assert "once the engine is ready" in app.query_one(PeersPane).render().plain
        client.ready()
        await until(pilot, lambda: bool(asked(client)))
