"""Counts by day and kind: they add up, and stay few."""

import datetime as dt

import msgspec
import pytest

from tui.assist.numbers.counts import DAYS, DailyCounts, OutcomeCounts, SuggestionKind, total
from tui.assist.numbers.figures import figures

PYTHON = SuggestionKind("nano", "py")
TODAY = dt.date(2026, 11, 30)


def some(shown: int = 1) -> OutcomeCounts:
    return OutcomeCounts(
        shown=shown,
        accepted=1,
        accept_keys={"all": 1, "word": 2},
        characters_accepted=30,
        characters_typed=70,
        looked={30: 2, 120: 1},
        still_there={30: 1},
        times={"whole": {10: 1}},
    )


def test_counts_add_up_field_by_field():
    counts = some()
    counts.add(some(5))
    assert (counts.shown, counts.accepted, counts.accept_keys) == (6, 2, {"all": 2, "word": 4})
    assert (counts.looked, counts.still_there) == ({30: 4, 120: 2}, {30: 2})
    assert counts.times == {"whole": {10: 2}}


def test_keys_saved_are_characters_less_accept_keys():
    assert some().keys_saved == 27
    assert some().keys_saved_share == pytest.approx(0.27)
    assert OutcomeCounts().keys_saved_share is None


def test_days_and_kinds_are_told_apart_and_summed():
    counts = DailyCounts()
    counts.of("2026-11-29", PYTHON).shown += 1
    counts.of("2026-11-30", PYTHON).shown += 2
    counts.of("2026-11-30", SuggestionKind("nano", "go")).shown += 9
    found = [(each.file_type, each.counts.shown) for each in counts.kinds()]
    assert found == [("go", 9), ("py", 3)]
    assert total(counts.kinds(since=TODAY)).shown == 11


def test_too_many_kinds_of_a_day_are_one():
    counts = DailyCounts()
    for number in range(60):
        counts.of("2026-11-30", SuggestionKind(f"model {number}", "py")).shown += 1
    assert len(counts.kinds()) == 41
    assert counts.kinds()[0].kind == ("other", "other")
    assert total(counts.kinds()).shown == 60


def test_old_days_and_what_is_no_day_are_dropped():
    last = TODAY - dt.timedelta(days=DAYS - 1)
    counts = DailyCounts()
    for day in (TODAY.isoformat(), last.isoformat(), "2026-09-01", "zzz", "2026-13-01", "20261130"):
        counts.of(day, PYTHON).shown += 1
    counts.prune(TODAY)
    assert list(counts.days) == [TODAY.isoformat(), last.isoformat()]


def test_what_is_kept_comes_back_the_same():
    counts = DailyCounts()
    counts.of("2026-11-30", PYTHON).add(some())
    assert msgspec.json.decode(msgspec.json.encode(counts), type=DailyCounts) == counts


def test_figures_are_shares_and_percentiles():
    found = figures(some(4))
    assert found["accepted_share"] == 0.25
    assert found["accept_keys"] == {"all": 1, "line": 0, "word": 2, "part": 0}
    assert found["still_there"][0] == {"after_s": 30, "looked": 2, "found": 1, "share": 0.5}
    assert found["still_there"][2]["share"] is None
    assert found["host_ms"]["whole"]["p50"] == pytest.approx(2.5, rel=0.05)
    assert found["host_ms"]["paint"] == {"n": 0, "p50": None, "p95": None}
