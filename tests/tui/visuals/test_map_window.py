"""Zoom and pan as arithmetic."""

from hypothesis import given
from hypothesis import strategies as st

from tui.visuals.map_window import MOST_ZOOM, Scale, coarser, finer, whole_wafer, window_around

WAFER = (900, 988)
sizes = st.integers(1, 200)


def test_zooming_in_ends_at_single_cores_drawn_large() -> None:
    scale, seen = Scale(30, 1), []
    while finer(scale) != scale:
        scale = finer(scale)
        seen.append(scale)
    assert seen[-1] == Scale(1, MOST_ZOOM)
    assert Scale(1, 1) in seen


def test_zooming_out_ends_at_the_whole_wafer() -> None:
    largest = whole_wafer(WAFER, 60, 20)
    assert largest.block == 25  # 988 rows on 40 pixels
    scale = Scale(1, MOST_ZOOM)
    for _ in range(20):
        scale = coarser(scale, largest.block)
    assert scale == largest


def test_a_scale_beyond_the_largest_is_kept() -> None:
    assert coarser(Scale(40, 1), 25) == Scale(40, 1)


@given(
    x=st.integers(-50, 2000), y=st.integers(-50, 2000), block=st.integers(1, 40),
    zoom=st.integers(1, MOST_ZOOM), width=sizes, height=sizes,
)  # fmt: skip
def test_a_window_lies_on_the_wafer_and_in_its_place(x, y, block, zoom, width, height) -> None:
    scale = Scale(block, zoom if block == 1 else 1)
    window = window_around((x, y), scale, WAFER, width, height)
    assert 0 <= window.x < WAFER[0]
    assert 0 <= window.y < WAFER[1]
    assert window.columns >= 1
    assert window.columns * scale.zoom <= max(width, scale.zoom)
    assert window.rows * scale.zoom <= max(2 * height, scale.zoom)
    for first, count, cores in ((window.x, window.columns, 900), (window.y, window.rows, 988)):
        # It reaches beyond the wafer only where all of it is shown.
        assert first == 0 or first + count * block <= cores


def test_the_middle_of_a_window_is_where_it_was_asked_for() -> None:
    window = window_around((400, 300), Scale(1, 2), WAFER, 60, 20)
    assert window.centre == (400, 300)
    assert (window.columns, window.rows) == (30, 20)
