"""The numbers screen's text: fits eighty columns, whatever the counts and names."""

from tests.tui.visuals.inks import INKS, widths
from tui.assist.numbers.counts import KindCounts, OutcomeCounts
from tui.assist.numbers.figures import TIMES
from tui.visuals.numbers_text import ROWS_OF_KINDS, counts_text, kinds_text

WIDTH = 72
"""Cells of the dialog at 80 columns."""


def many() -> OutcomeCounts:
    return OutcomeCounts(
        shown=98_765,
        accepted=12_345,
        dismissed=54_321,
        held_back=9_999,
        accept_keys={"all": 12_345, "line": 9_999, "word": 99_999, "part": 999},
        characters_accepted=1_234_567,
        characters_typed=7_654_321,
        looked={30: 10, 120: 10, 600: 9},
        still_there={30: 10, 120: 9},
        times={name: {95: 10, 100: 1} for name in TIMES},
    )


def lines(text) -> list[str]:
    return str(text).split("\n")


def test_large_counts_fit():
    text = counts_text(many(), INKS)
    found = lines(text)
    assert len(found) == 8
    assert max(widths(text)) <= WIDTH
    assert "accepted 12 345 (12.5%)" in found[0]
    assert "after 30 s 100%  after 2 min 90.0%  after 10 min 0.0%" in found[2]


def test_what_was_not_counted_is_a_dash():
    found = lines(counts_text(OutcomeCounts(), INKS))
    assert "after 30 s –" in found[2]
    assert found[-1].split() == ["p95", *["–"] * len(TIMES)]


def test_names_fit_and_steer_nothing():
    kinds = [
        KindCounts("m\x1b[2J" * 20, "typescript", many()),
        KindCounts("コード" * 9, "py", many()),
    ]
    text = kinds_text(kinds, 0, INKS)
    assert "\x1b" not in str(text)
    assert max(widths(text)) <= WIDTH


def test_of_many_kinds_those_around_the_selected_one_are_seen():
    kinds = [KindCounts(f"model{number}", "py", OutcomeCounts()) for number in range(20)]
    found = lines(kinds_text(kinds, 12, INKS))
    assert len(found) == 1 + ROWS_OF_KINDS
    assert next(line for line in found if line.startswith("›")).split()[1] == "model12"
    assert "model0" in lines(kinds_text(kinds, 0, INKS))[1]
    assert "model19" in lines(kinds_text(kinds, 19, INKS))[-1]
