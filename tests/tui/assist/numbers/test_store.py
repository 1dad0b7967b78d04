"""The file of counts: several windows add up, and what is spoilt or newer does no harm."""

import datetime as dt
import json
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tui.assist.numbers.counts import DailyCounts, SuggestionKind, total
from tui.assist.numbers.store import NumbersStore

TODAY = dt.date(2026, 11, 30)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "numbers.json"


def counted(shown: int = 1, day: str = "2026-11-30") -> DailyCounts:
    counts = DailyCounts()
    counts.of(day, SuggestionKind("nano", "py")).shown += shown
    return counts


def shown(file: Path) -> int:
    return total(NumbersStore(file).read().kinds()).shown


def test_windows_that_add_at_the_same_time_add_up(file):
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: NumbersStore(file).add(counted(), TODAY), range(40)))
    assert shown(file) == 40


def test_old_days_go_when_something_is_added(file):
    store = NumbersStore(file)
    store.add(counted(day="2026-07-01"), dt.date(2026, 7, 1))
    store.add(counted(), TODAY)
    assert list(store.read().days) == ["2026-11-30"]


def test_only_the_user_can_read_it(file):
    NumbersStore(file).add(counted(), TODAY)
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_it_holds_numbers_and_names_of_kinds_only(file):
    NumbersStore(file).add(counted(), TODAY)
    (kind,) = json.loads(file.read_text())["days"]["2026-11-30"]
    assert [name for name, value in kind.items() if isinstance(value, str)] == [
        "model",
        "file_type",
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"days": {"x": 1}}', b"\xff\xfe"])
def test_a_spoilt_file_counts_for_nothing_and_begins_anew(file, content):
    file.parent.mkdir()
    file.write_bytes(content)
    assert shown(file) == 0
    NumbersStore(file).add(counted(), TODAY)
    assert shown(file) == 1


def test_a_later_releases_file_is_left_alone(file):
    file.parent.mkdir()
    file.write_text('{"version": 2, "days": {}, "more": 1}')
    NumbersStore(file).add(counted(), TODAY)
    assert json.loads(file.read_text()) == {"version": 2, "days": {}, "more": 1}
    assert shown(file) == 0


def test_clearing_forgets_all(file):
    store = NumbersStore(file)
    store.add(counted(), TODAY)
    store.clear()
    store.clear()
    assert shown(file) == 0
