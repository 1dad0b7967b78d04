"""What the what-if pane says, at every size."""

import pytest
from msgspec.structs import replace as changed

from tests.tui.visuals.inks import INKS, widths
from tui.demo_what_if import demo_curve
from tui.visuals.what_if_text import PARAMETER_NAMES, WhatIfRows, WhatIfView, what_if_text

CURVE = demo_curve("sram")
BASE = CURVE.points[1]


def view(at=1, curve=CURVE, **more):
    return WhatIfView(base=BASE, curve=curve, at=at, setup=curve.points[at].setup, **more)


def drawn(shown, width=80, height=30):
    text, rows = what_if_text(shown, width, height, INKS)
    return text.plain.splitlines(), rows


def test_what_is_has_its_time_at_its_clock():
    lines, _ = drawn(view())
    assert BASE.cycles == 1_480_000 + 817_146
    assert lines[0] == "now     2.70 ms  read 1.74 ms, write 961 µs"
    assert "Enter applies" in lines[1]


def test_another_value_says_what_moves_and_why():
    lines, _ = drawn(view(at=3))
    assert lines[1] == "what if 4.37 ms +61.8%  read 3.41 ms, write 961 µs"
    assert "▸ sram       ◂ 96 KiB ▸  was 48 KiB" in lines
    assert "most moved: matmul, +1 420 000 cycles" in lines


def test_the_least_time_is_marked_and_what_is_looked_at():
    lines, rows = drawn(view(at=3))
    bars = [lines[row] for row in rows.points]
    assert [bar.split()[-1] == "★" for bar in bars] == [False, False, True, False]
    assert bars[3].startswith("▸")
    assert "4.37 ms +61.8%" in bars[3]
    longest = [bar.count("█") for bar in bars]
    assert longest[3] == max(longest) > longest[1] > 0 == longest[0]


def test_what_does_not_fit_says_the_limit_whole():
    lines, _ = drawn(view(at=0))
    assert lines[1] == "what if does not fit"
    assert "a core has 32,768" in " ".join(lines[-3:])


def test_several_wafers_say_that_they_are_priced_only():
    curve = demo_curve("wafers")
    lines, _ = drawn(view(at=1, curve=curve, over="wafers"))
    assert lines[-1] == "priced only: a model runs on one wafer"


def test_a_curve_on_its_way_says_how_far_it_is():
    part = demo_curve("sram", priced=2)
    lines, rows = drawn(view(at=1, curve=part))
    assert any("2 of 4 priced" in line for line in lines)
    assert len(rows.points) == 2
    lines, rows = drawn(WhatIfView(base=BASE, over="sums"))
    assert "time over sums: pricing …" in lines
    assert not rows.points


def test_the_mouse_finds_parameters_and_points():
    lines, rows = drawn(view())
    for name, row in zip(PARAMETER_NAMES, rows.parameters, strict=True):
        assert lines[row][2:].startswith(name)
    assert "48 KiB" in lines[rows.points[1]]


@pytest.mark.parametrize("width", range(30, 120, 9))
@pytest.mark.parametrize("height", [1, 12, 21, 40])
@pytest.mark.parametrize("at", range(4))
def test_nothing_is_wider_or_higher_than_the_pane(width, height, at):
    text, _ = what_if_text(view(at=at), width, height, INKS)
    assert max(widths(text)) <= width
    assert len(widths(text)) <= height


def test_the_point_that_is_looked_at_is_in_view_where_there_is_little_room():
    for at in range(4):
        lines, rows = drawn(view(at=at), 80, 14)
        shown = [lines[row] for row in rows.points if row < len(lines)]
        assert any(line.startswith("▸") for line in shown)


def test_texts_of_an_engine_are_only_text():
    bad = changed(CURVE.points[2], label="x\x1b[31m\ny", refusal="\x1b]0;title\x07")
    lines, _ = drawn(view(at=2, curve=changed(CURVE, points=[*CURVE.points[:2], bad])))
    assert "\x1b" not in "".join(lines)


def test_without_a_suggestion_it_says_what_asks_for_one():
    assert drawn(WhatIfView())[0][0].startswith("Alt+Q prices a suggestion")
    lines, rows = drawn(WhatIfView(note="it is remote"))
    assert (lines, rows) == (["it is remote"], WhatIfRows())
