"""What a person can ask about suggestions, and change about them."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from engine.protocol.messages import Complete, Completed, OtherText
from tests.tui.app.fakes import FakeClient, until
from tui.app import SparkApp
from tui.assist.acceptance import Acceptance
from tui.demo_engine import demo_completion
from tui.screens.reading import ReadingScreen
from tui.settings import Settings, SuggestionSettings

MakeApp = Callable[..., SparkApp]
SIZE = (110, 30)
GREETING = "package/greeting.py"
AT_ONCE = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False))


async def opened(app: SparkApp, pilot: Pilot[Any], client: FakeClient, **model: Any) -> None:
    """Wait until suggestions come."""
    await until(pilot, lambda: app.status.view.line == 3 and client.started.is_set())
    client.ready(**({"threshold": -0.5} | model))
    await pilot.pause()


def asked(client: FakeClient) -> list[Complete]:
    return [message for message in client.sent if isinstance(message, Complete)]


def behind(client: FakeClient, text: str = "x") -> bool:
    """Return whether the newest request is for the place behind ``text``.

    The move to the first line may have asked before any key did.
    """
    return bool(asked(client)) and asked(client)[-1].request.prefix.endswith(f"\n{text}")


def answer(client: FakeClient, text: str, prompt: str = "", **facts: Any) -> None:
    """Answer the newest request."""
    completion = replace(demo_completion(text), **facts)
    client.on_event(Completed(asked(client)[-1].request_id, completion, prompt))


def ghost(app: SparkApp) -> str:
    return "" if app.editor is None else app.editor.ghost


def status(app: SparkApp) -> str:
    return str(app.status.render())


def read(app: SparkApp) -> str:
    """Return what the reading screen shows."""
    assert isinstance(app.screen, ReadingScreen)
    strips = app.screen._compositor.render_strips()
    return " ".join(" ".join(strip.text.strip(" │") for strip in strips).split())


async def test_why_nothing_came_is_said_shortly_and_in_full(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        answer(client, "= 1", mean_logprob=-0.9, shown=False)
        await until(pilot, lambda: "too unlikely (5% < 60%)" in status(app))
        await pilot.press("alt+w")
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen))
        said = read(app)
        assert "you typed" in said
        assert "too unlikely (5% < 60%); Ctrl+L shows it" in said
        assert "0.41 a token on average, its own threshold 0.61" in said
        assert app.editor is not None
        await pilot.press("escape")
        assert app.editor.document.get_line(2) == "x"  # the key typed nothing


async def test_a_rule_that_held_a_text_back_is_named(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        answer(client, "", shown=False, held_back="name\x1b[2J is not bound here")
        await until(pilot, lambda: "not bound here" in status(app))
        assert "\x1b" not in status(app)
        await pilot.press("alt+w")
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen))
        assert "cut because" in read(app)


async def test_before_the_first_suggestion_there_is_nothing_to_explain(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app()
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, client.started.is_set)
        await pilot.press("alt+w")
        app.action_last_prompt()
        await pilot.pause()
        assert len(app.screen_stack) == 1
        assert len(app._notifications) == 2


async def test_the_last_prompt_is_what_the_model_read(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        answer(client, "= 1", "<|fim_prefix|>[b]x = \x1b]0;me\x07<|fim_middle|>")
        await until(pilot, lambda: ghost(app))
        app.action_last_prompt()
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen))
        assert "<|fim_prefix|>[b]x = ␛]0;me␇<|fim_middle|>" in read(app)
        assert "310 tokens" in read(app)
        await pilot.press("escape", "=")  # answered from memory: the last prompt stays what it was
        await until(pilot, lambda: "cached" in status(app))
        app.action_last_prompt()
        await until(pilot, lambda: isinstance(app.screen, ReadingScreen))
        assert "<|fim_prefix|>" in read(app)


async def test_fewer_suggestions_ask_the_engine_for_likelier_ones(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        least = asked(client)[-1].threshold
        assert least is not None
        assert -0.3 < least < -0.1
        commands = {name: run for name, _, run in app.suggestion_commands()}
        commands["Suggestions: more, from 25%"]()
        await pilot.press("y")
        await until(pilot, lambda: behind(client, "xy"))
        assert asked(client)[-1].threshold == pytest.approx(-0.5)
        assert app.settings.suggestions.threshold == 25
        assert any("a chance of 25%, not 60%" in note.message for note in app._notifications)
        assert "Suggestions: fewer, from 60%" in {name for name, _, _ in app.suggestion_commands()}


async def test_what_is_taken_and_refused_is_learnt(make_app: MakeApp, client: FakeClient) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)

        def known() -> Acceptance:
            attempt = app.ghost_writer.last_attempt
            assert attempt is not None
            return attempt.acceptance

        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        answer(client, "= 1", mean_logprob=-0.1)
        await until(pilot, lambda: ghost(app))
        assert "· 66%" in status(app)
        await pilot.press("tab")
        await until(pilot, lambda: behind(client, "x= 1"))
        answer(client, " + 2", mean_logprob=-0.1)
        await until(pilot, lambda: ghost(app))
        await pilot.press("escape", "z")
        await until(pilot, lambda: behind(client, "x= 1z"))
        assert (known().taken, known().refused) == (1, 1)
        app.forget_person()
        await pilot.press("z")
        await until(pilot, lambda: behind(client, "x= 1zz"))
        assert known() == Acceptance()


async def test_who_does_not_want_it_is_not_learnt_from(
    make_app: MakeApp, client: FakeClient
) -> None:
    settings = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False, learn=False))
    app = make_app(GREETING, line=3, settings=settings)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        answer(client, "= 1", mean_logprob=-0.1)
        await until(pilot, lambda: ghost(app))
        await pilot.press("tab")
        await until(pilot, lambda: behind(client, "x= 1"))
        attempt = app.ghost_writer.last_attempt
        assert attempt is not None
        assert attempt.acceptance == Acceptance()


async def test_snoozed_suggestions_resume_at_their_time_or_by_the_key(
    make_app: MakeApp, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        commands = {name: run for name, _, run in app.suggestion_commands()}
        commands["Snooze suggestions for 15 minutes"]()
        assert "snoozed until" in status(app)
        await pilot.press("x")
        await pilot.pause()
        assert not behind(client)
        app._end_snooze()
        assert "snoozed" in status(app)
        later = time.time() + 15 * 60 + 1
        monkeypatch.setattr("tui.flows.suggestions.suggestion_actions.time.time", lambda: later)
        app._end_snooze()
        assert "snoozed" not in status(app)
        await pilot.press("y")
        await until(pilot, lambda: behind(client, "xy"))

        commands["Snooze suggestions for 5 minutes"]()
        await pilot.press("f4")
        assert "snoozed" not in status(app)
        assert not app.ghost_writer.paused


async def test_a_subtle_suggestion_waits_for_the_key(make_app: MakeApp, client: FakeClient) -> None:
    settings = Settings(suggestions=SuggestionSettings(delay_ms=0, ahead=False, subtle=True))
    app = make_app(GREETING, line=3, settings=settings)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        answer(client, "= 1 + 2", mean_logprob=-0.1)
        await until(pilot, lambda: "◆ suggestion 66%: Ctrl+L shows it" in status(app))
        assert ghost(app) == ""
        count = len(asked(client))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: ghost(app))
        assert ghost(app) == "= 1 + 2"
        assert len(asked(client)) == count  # it was there already
        await pilot.press("=")
        assert ghost(app) == " 1 + 2"


async def test_files_of_a_kind_are_left_alone_until_one_asks(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        commands = {name: run for name, _, run in app.suggestion_commands()}
        commands["Suggestions: off in *.py"]()
        await pilot.press("x")
        await until(pilot, lambda: "off for *.py; Ctrl+L asks" in status(app))
        assert not behind(client)
        await pilot.press("ctrl+l")
        await until(pilot, lambda: behind(client))
        commands = {name: run for name, _, run in app.suggestion_commands()}
        commands["Suggestions: on in *.py"]()
        assert app.settings.suggestions.off == ()


async def test_the_sure_part_is_taken_with_one_key_and_the_rest_stays(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        answer(client, " = one + two", likelihoods=[(6, 0.9), (8, 0.9), (12, 0.2)])
        await until(pilot, lambda: ghost(app))
        await pilot.press("alt+s")
        assert app.editor is not None
        assert app.editor.document.get_line(2) == "x = one +"
        assert ghost(app) == " two"
        await pilot.press("alt+s")  # nothing of the rest is sure
        assert app.editor.document.get_line(2) == "x = one +"
        assert any("sure of no part" in note.message for note in app._notifications)


async def test_alt_n_and_alt_p_step_through_other_texts(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client)
        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        answer(client, " = one", mean_logprob=-0.1)
        await until(pilot, lambda: ghost(app))
        await pilot.press("alt+n")
        await until(pilot, lambda: asked(client)[-1].others)
        number = asked(client)[-1].request_id
        client.on_event(OtherText(number, " = two", -0.2))
        await until(pilot, lambda: ghost(app) == " = two")
        assert "2/2…" in status(app)
        client.on_event(OtherText(number, " = three", -0.4))
        answer(client, " = one")
        await until(pilot, lambda: "2/3 · 55%" in status(app))
        await pilot.press("alt+right_square_bracket")
        assert ghost(app) == " = three"
        await pilot.press("alt+p", "alt+left_square_bracket")
        assert ghost(app) == " = one"
        assert app.editor is not None
        assert app.editor.document.get_line(2) == "x"
        await pilot.press("alt+n", "tab")
        assert app.editor.document.get_line(2) == "x = two"


async def test_a_second_model_answers_first_and_the_large_one_replaces_it(
    make_app: MakeApp, client: FakeClient
) -> None:
    app = make_app(GREETING, line=3, settings=AT_ONCE)
    async with app.run_test(size=SIZE) as pilot:
        await opened(app, pilot, client, parameters=500_000_000)
        commands = {name: run for name, _, run in app.suggestion_commands()}
        commands["Second model: spark-nano beside the large one"]()
        assert client.opened == ["spark-nano"]
        client.ready(session=2, name="spark-nano", parameters=7_000_000)
        await pilot.pause()
        assert "spark-demo" in status(app)  # the large one serves
        await pilot.press("x")
        await until(pilot, lambda: behind(client))
        assert asked(client)[-1].session == 2
        answer(client, " = small", model="spark-nano")
        await until(pilot, lambda: ghost(app) == " = small")
        await until(pilot, lambda: asked(client)[-1].session == 1)
        answer(client, " = large")
        await until(pilot, lambda: ghost(app) == " = large")
        commands = {name: run for name, _, run in app.suggestion_commands()}
        commands["Second model: off"]()
        assert client.dropped == [2]


async def test_an_answer_that_nobody_waits_for_is_no_figure_of_the_panes(
    make_app: MakeApp, client: FakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[int] = []
    monkeypatch.setattr(
        "tui.widgets.pane_column.PaneColumn.show_completion",
        lambda column, completion: shown.append(completion.completion_tokens),
    )
    app = make_app("package/greeting.py", line=9)
    async with app.run_test(size=(140, 40)) as pilot:
        await until(pilot, client.started.is_set)
        client.ready()
        await until(pilot, lambda: asked(client))  # a moved cursor has the model read
        (reading,) = asked(client)
        assert reading.request.max_tokens == 1
        client.on_event(Completed(reading.request_id, demo_completion("x")))
        await pilot.press("ctrl+l")
        await until(pilot, lambda: len(asked(client)) == 2)
        wanted = replace(demo_completion("y"), completion_tokens=77)
        client.on_event(Completed(asked(client)[-1].request_id, wanted))
        await until(pilot, lambda: shown)
        assert shown == [77]
