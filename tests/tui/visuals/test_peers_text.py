"""What the pane of other machines says, at every width."""

import pytest
from msgspec.structs import replace

from tests.tui.visuals.inks import INKS, widths
from tui.demo_engine import demo_comparison
from tui.format import count_text
from tui.visuals.peers_text import PeersView, peers_text

FOUND = demo_comparison()


def lines(width=80, height=30, found=FOUND):
    return peers_text(PeersView(found), width, height, INKS).plain.splitlines()


def test_a_line_per_machine_with_all_figures():
    head, wafer, here, chip, cached = lines()[:5]
    assert head.split()[-4:] == ["off", "chip", "syncs", "energy"] or "syncs" in head
    assert wafer.split()[-6:] == ["2.04k", "0", "B", "657", "1.12", "J"]
    assert here.split()[-4:] == ["395", "MB", "121", "–"]
    assert "≤ 8.48k" in chip
    assert "82.6 mJ" in chip
    assert "in cache" in cached


def test_every_clock_is_named():
    text = "\n".join(lines())
    for word in ("emulated at 0.85 GHz", "measured", "published peaks"):
        assert word in text


@pytest.mark.parametrize("width", range(24, 120, 7))
@pytest.mark.parametrize("height", [1, 5, 12])
def test_nothing_is_wider_or_higher_than_the_pane(width, height):
    text = peers_text(PeersView(FOUND), width, height, INKS)
    assert max(widths(text)) <= width
    assert len(widths(text)) <= height


def test_the_rate_stays_where_there_is_little_room():
    assert all("tok" in lines(width)[0] and "2.04k" in lines(width)[1] for width in (24, 34, 46))


def test_a_name_from_elsewhere_is_only_text():
    bad = replace(FOUND, peers=[replace(FOUND.peers[2], name="x\x1b[31m\ny")])
    assert "\x1b" not in "".join(lines(found=bad))


def test_without_figures_it_says_why():
    assert peers_text(PeersView(note="it is remote"), 40, 9, INKS).plain == "it is remote"


def test_it_says_what_bounds_the_wafer_and_the_fastest_of_the_others() -> None:
    text = peers_text(PeersView(demo_comparison()), 100, 30, INKS).plain
    cycles = 0.85e9 / demo_comparison().peers[0].tokens_per_second
    said = f"{count_text(cycles)} cycles with 657 syncs, one every {count_text(cycles / 657)}"
    assert said in text
    assert "A chip: its memory gives 395 MB a token" in text
