"""Caption and legend of the wafer map."""

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.visuals.inks import INKS, widths
from tui.demo_engine import demo_ready, demo_telemetry
from tui.visuals.wafer_text import caption_text, legend_text, state_shares

READY = demo_ready()


@given(width=st.integers(30, 100))
def test_the_legend_keeps_its_columns(width: int) -> None:
    shares = state_shares(demo_telemetry(READY).states_by_region)
    assert widths(legend_text(shares, width, INKS)) == [width] * 3


def test_shares_are_of_all_cycles() -> None:
    assert state_shares([[1, 0, 0, 0, 0, 3], [0, 0, 0, 0, 2, 2]]) == [0.125, 0, 0, 0, 0.25, 0.625]
    assert state_shares([[0] * 6]) is None


def test_the_caption_names_the_core_or_all_of_them() -> None:
    region = READY.machine.regions[0]
    one = caption_text((12, 40), 1, region, [5, 0, 0, 0, 0, 995], 3536, 40, INKS).plain
    assert one == "core 12, 40  layer 0  1.00k cycles"
    square = caption_text((12, 40), 3, region, [5, 0, 0, 0, 0, 8995], 3536, 40, INKS).plain
    assert square == "cores 12–14, 40–42  layer 0  9.00k cycles"
    everything = caption_text(None, 1, None, None, 3536, 48, INKS).plain
    assert everything == "cycles of all 3 536 cores   hue: most above mean"
    assert "no core of the model" in caption_text((0, 0), 1, None, None, 3536, 40, INKS).plain


def test_the_caption_says_what_the_hues_mean_where_that_fits() -> None:
    for width in range(20, 70):
        text = caption_text(None, 1, None, None, 12_800, width, INKS)
        assert text.cell_len == width
        assert "12 800 cores" in text.plain
        assert ("hue: " in text.plain and "above mean" in text.plain) == (width >= 28)
