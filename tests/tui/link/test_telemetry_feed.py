"""Numbers for the panes: asked for only while somebody looks, one message for a burst."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from engine.protocol.messages import Telemetry, Unwatch, Watch, WatchedCores
from tui.app_messages import TelemetryUpdated
from tui.demo_engine import demo_ready, demo_telemetry
from tui.link.telemetry_feed import HISTORY_LENGTH, TelemetryFeed


@dataclass
class Around:
    """What lies around a feed: the engine, the app and a turn of the event loop."""

    sent: list[Any] = field(default_factory=list)
    posted: list[TelemetryUpdated] = field(default_factory=list)
    later: list[Callable[[], None]] = field(default_factory=list)

    def send(self, message: Any) -> bool:
        self.sent.append(message)
        return True

    def turn(self) -> None:
        """Let the event loop run what was put off."""
        calls, self.later[:] = list(self.later), []
        for call in calls:
            call()


@pytest.fixture
def around() -> Around:
    return Around()


@pytest.fixture
def feed(around: Around) -> TelemetryFeed:
    return TelemetryFeed(
        send=around.send, post=around.posted.append, call_later=around.later.append, interval_ms=200
    )


@cache
def demo_counters() -> Telemetry:
    return demo_telemetry(demo_ready())


def counted(tokens: int) -> Telemetry:
    """Counters of an interval with so many decoded tokens."""
    telemetry = demo_counters()
    point = replace(telemetry.throughput, prefill_tokens=0, decode_tokens=tokens)
    return replace(telemetry, throughput=point)


def test_what_is_drawn_is_asked_for_once(feed: TelemetryFeed, around: Around) -> None:
    cores = WatchedCores(0, 0, 90, 60, 30, 20)
    feed.look_at(cores)
    assert around.sent == []
    feed.watch(True)
    feed.look_at(replace(cores))
    feed.look_at(replace(cores, columns=45))
    assert around.sent == [Watch(1, 200, cores), Watch(1, 200, replace(cores, columns=45))]


def test_nothing_is_asked_for_while_nobody_looks(feed: TelemetryFeed, around: Around) -> None:
    feed.engine_ready(1)
    feed.watch(False)
    feed.interval_ms = 500

    assert around.sent == []


def test_looking_again_and_again_asks_once(feed: TelemetryFeed, around: Around) -> None:
    for visible in (True, True, False, False, True):
        feed.watch(visible)

    assert around.sent == [Watch(1, interval_ms=200), Unwatch(1), Watch(1, interval_ms=200)]


def test_a_new_engine_is_told_what_is_wanted_by_now(feed: TelemetryFeed, around: Around) -> None:
    """The one that was lost knew it, the new one does not."""
    feed.watch(True)
    feed.interval_ms = 500
    assert around.sent == [Watch(1, interval_ms=200), Watch(1, interval_ms=500)]
    around.sent.clear()

    feed.engine_ready(1)

    assert around.sent == [Watch(1, interval_ms=500)]


def test_a_burst_is_one_message_with_the_newest_counters(
    feed: TelemetryFeed, around: Around
) -> None:
    burst = [demo_telemetry(demo_ready(), step) for step in range(3)]
    for telemetry in burst:
        feed.received(telemetry)
    assert around.posted == []
    assert len(around.later) == 1

    around.turn()

    (update,) = around.posted
    assert update.telemetry is burst[-1]
    assert update.history == tuple(telemetry.throughput for telemetry in burst)


def test_the_next_burst_is_the_next_message(feed: TelemetryFeed, around: Around) -> None:
    for step in range(2):
        feed.received(demo_telemetry(demo_ready(), step))
        around.turn()

    assert [len(update.history) for update in around.posted] == [1, 2]


def test_an_idle_interval_is_shown_but_is_no_history(feed: TelemetryFeed, around: Around) -> None:
    """Otherwise a pause of a minute would push the last request off the pane."""
    feed.received(demo_telemetry(demo_ready(), 1))
    idle = counted(0)
    feed.received(idle)
    around.turn()

    assert around.posted[0].telemetry is idle
    assert len(around.posted[0].history) == 1


def test_history_has_an_end(feed: TelemetryFeed, around: Around) -> None:
    all_of_them = [counted(tokens) for tokens in range(1, HISTORY_LENGTH + 4)]
    for telemetry in all_of_them:
        feed.received(telemetry)
    around.turn()

    assert around.posted[0].history == tuple(each.throughput for each in all_of_them[3:])


def test_another_session_begins_a_history_of_its_own(feed: TelemetryFeed, around: Around) -> None:
    feed.watch(True)
    feed.received(counted(3))
    around.turn()
    around.sent.clear()

    feed.engine_ready(2)
    feed.received(counted(4))  # of the session that serves no more
    feed.received(replace(counted(5), session=2))
    around.turn()

    assert around.sent == [Watch(2, interval_ms=200)]
    assert [point.decode_tokens for point in around.posted[-1].history] == [5]
