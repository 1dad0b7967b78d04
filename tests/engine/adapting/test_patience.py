"""What goes first: somebody who types, and a battery that lasts."""

import os
import time

import pytest

from engine.adapting import patience
from engine.adapting.patience import Patience, note_typing, on_battery, typing_mark


@pytest.fixture
def naps(monkeypatch) -> list[float]:
    """How long was slept; nobody sleeps really."""
    slept: list[float] = []
    monkeypatch.setattr(patience.time, "sleep", slept.append)
    return slept


def supply(root, name: str, **facts: str) -> None:
    folder = root / "sys/class/power_supply" / name
    folder.mkdir(parents=True)
    for fact, value in facts.items():
        (folder / fact).write_text(value + "\n")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"type": "Battery", "status": "Discharging"}, True),
        ({"type": "Battery", "status": "Charging"}, False),
        ({"type": "Battery", "status": "Full"}, False),
        ({"type": "Battery", "status": "Discharging", "scope": "Device"}, False),
        ({"type": "Battery", "status": "Discharging", "scope": "System"}, True),
        ({"type": "Mains", "online": "1"}, False),
        ({}, False),
    ],
)
def test_a_battery_that_is_used_up_is_noticed_a_mouses_is_not(tmp_path, facts, expected) -> None:
    supply(tmp_path, "BAT0", **facts)
    assert on_battery(tmp_path) is expected


def test_a_computer_that_says_nothing_is_not_on_battery(tmp_path) -> None:
    assert on_battery(tmp_path) is False


def test_it_waits_while_somebody_types_and_says_so_once(naps) -> None:
    told = []
    with Patience(told.append, lambda: None, lambda: False) as waits:
        waits.rest()
        assert (told, naps) == ([], [])
        note_typing()
        calls = iter(range(3))

        def check() -> None:
            if next(calls, None) is None:  # the last key was long ago
                os.utime(typing_mark(), (0, 0))

        waits = Patience(told.append, check, lambda: False)
        waits.rest()
    assert told == ["waits while you type"]
    assert len(naps) == 4


def test_it_waits_for_the_mains(naps) -> None:
    told, states = [], iter([True, True, False])
    Patience(told.append, lambda: None, lambda: next(states)).rest()
    assert told == ["waits while the computer runs on its battery"]


def test_the_last_key_counts_for_seconds_only() -> None:
    with Patience(pytest.fail, lambda: None, lambda: False) as waits:
        long_ago = time.time() - patience.REST_SECONDS - 1
        os.utime(typing_mark(), (long_ago, long_ago))
        waits.rest()


def test_keys_leave_no_mark_where_nobody_waits() -> None:
    note_typing()
    assert not typing_mark().exists()
    with Patience(pytest.fail, lambda: None):
        assert typing_mark().exists()
    assert not typing_mark().exists()


def test_waiting_can_be_given_up(naps) -> None:
    def check() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Patience(lambda why: None, check, lambda: True).rest()
    assert naps == []
