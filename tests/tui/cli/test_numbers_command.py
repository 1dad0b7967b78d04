"""`spark-tui numbers`: the counts as a table and as JSON."""

import datetime as dt

from tui.assist.numbers.counts import DailyCounts, SuggestionKind
from tui.assist.numbers.store import NumbersStore
from tui.user_folders import numbers_file


def keep(shown: int, accepted: int, model: str = "nano", days_ago: int = 0) -> None:
    counts = DailyCounts()
    today = dt.date.today()
    day = (today - dt.timedelta(days=days_ago)).isoformat()
    kind = counts.of(day, SuggestionKind(model, "py"))
    kind.shown, kind.accepted = shown, accepted
    kind.accept_keys["all"] = accepted
    kind.characters_accepted = 10 * accepted
    kind.times["whole"] = {20: shown}
    NumbersStore(numbers_file()).add(counts, today)


def test_sums_and_kinds_as_json(spark):
    keep(4, 1)
    keep(6, 3, "coder")
    report = spark("numbers", "--json").json
    assert report["total"]["shown"] == 10
    assert report["total"]["accepted_share"] == 0.4
    assert report["total"]["keys_saved"] == 36
    assert [(each["model"], each["shown"]) for each in report["kinds"]] == [
        ("coder", 6),
        ("nano", 4),
    ]


def test_days_leave_out_what_was_before(spark):
    keep(4, 1, days_ago=1)
    keep(6, 3)
    assert spark("numbers", "--days", 1, "--json").json["total"]["shown"] == 6
    assert spark("numbers", "--days", 2, "--json").json["total"]["shown"] == 10


def test_a_table_for_people(spark):
    keep(4, 1, "odd\x1b[2Jname")
    outcome = spark("numbers")
    assert outcome.code == 0
    assert "shown 4, accepted 1 (25.0%)" in outcome.out
    assert "\x1b" not in outcome.out


def test_before_the_first_suggestion_there_is_nothing(spark):
    assert "nothing was shown yet" in spark("numbers").out


def test_clearing(spark):
    keep(4, 1)
    assert spark("numbers", "--clear").code == 0
    assert spark("numbers", "--json").json["total"]["shown"] == 0
