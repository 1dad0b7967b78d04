import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.color import Color, ColorSystem
from rich.style import Style

from engine import STATES
from engine.protocol.messages import RegionInfo, WatchedCores
from tui.visuals.active_region import ActiveRegion
from tui.visuals.heat_grid import (
    active_blocks,
    grid_strips,
    lay_out,
    marked,
    picture,
    read_states,
)
from tui.visuals.palette import (
    CHANGE_COLOURS,
    LEVELS,
    OWNER_COLOURS,
    STATE_COLOURS,
    palette_for,
    terminal_colour,
)

MAC, VECTOR, PIPE, IDLE = 0, 1, 4, 5


def region(x: int, y: int, width: int, height: int) -> RegionInfo:
    return RegionInfo("layer 0", x, y, width, height, {})


def idle_states(count: int, cycles: int = 1000) -> np.ndarray:
    states = np.zeros((count, len(STATES)), dtype=np.uint64)
    states[:, IDLE] = cycles
    return states


def test_one_core_is_one_pixel_where_there_is_just_room() -> None:
    layout = lay_out([region(5, 7, 6, 4)], 6, 2)
    assert (layout.block, layout.zoom, layout.cell_width, layout.cell_height) == (1, 1, 6, 2)
    assert layout.core_at(0, 0) == (5, 7)
    assert layout.core_at(5, 3) == (10, 10)


def test_many_cores_share_a_pixel_and_the_factor_is_said() -> None:
    layout = lay_out([region(0, 0, 100, 30)], 40, 20)
    assert layout.block == 3
    assert layout.cell_width == 34
    assert layout.core_at(1, 2) == (3, 6)


def test_few_cores_get_several_pixels_each() -> None:
    layout = lay_out([region(0, 0, 2, 2)], 8, 2)
    assert (layout.block, layout.zoom) == (1, 2)
    pixels = picture(layout, idle_states(4))
    assert pixels.shape == (4, 4)
    assert layout.core_at(3, 3) == (1, 1)


def test_regions_lie_where_they_lie_on_the_wafer() -> None:
    layout = lay_out([region(10, 10, 2, 2), region(14, 10, 1, 2)], 5, 1)
    pixels = picture(layout, None)
    assert pixels.tolist() == [[1, 1, 0, 0, 1], [1, 1, 0, 0, 1]]


def hues(states: np.ndarray) -> list[int]:
    pixels = picture(lay_out([region(0, 0, len(states), 1)], len(states), 1), states)
    return ((pixels[0] - 2) // LEVELS).tolist()


def test_hue_is_what_a_core_does_more_than_others() -> None:
    states = idle_states(3)
    states[:, PIPE] = 500, 500, 400  # most cycles of every core
    states[:, [MAC, VECTOR]] = [30, 10], [20, 20], [10, 10]
    assert hues(states) == [MAC, VECTOR, PIPE]


def test_idle_time_is_no_hue() -> None:
    states = idle_states(2)
    states[0, MAC] = 10
    states[1, IDLE] = 9_000
    states[1, PIPE] = 1
    assert hues(states) == [MAC, PIPE]


def test_cores_that_do_the_same_have_the_hue_of_what_they_do_most() -> None:
    states = idle_states(3)
    states[:, [MAC, VECTOR, PIPE]] = 2_000, 10_000, 5_000
    states[1, MAC] += 5  # a difference too small to be worth a colour
    assert hues(states) == [VECTOR] * 3


def test_brightness_grows_with_the_share_that_was_not_idle() -> None:
    states = np.zeros((4, len(STATES)), dtype=np.uint64)
    states[:, MAC] = 0, 1, 100, 1000
    states[:, IDLE] = 1000 - states[:, MAC]
    pixels = picture(lay_out([region(0, 0, 4, 1)], 4, 1), states)[0]
    assert pixels[0] == 1  # idle
    levels = (pixels[1:] - 2) % LEVELS
    assert levels[0] == 0
    assert levels[2] == LEVELS - 1
    assert levels[0] < levels[1] < levels[2]


def test_a_block_is_one_of_the_cells_that_the_engine_counts() -> None:
    layout = lay_out([region(3, 5, 7, 4), region(12, 5, 1, 4)], 4, 2)
    assert layout.block == 3
    assert layout.watched == WatchedCores(3, 5, 12, 6, 4, 2)
    assert layout.cores == 32
    assert layout.placed.tolist() == [True, True, True, True] * 2
    assert [layout.cell_of(place) for place in ((3, 5), (5, 7), (6, 5), (12, 8))] == [0, 0, 1, 7]
    assert [layout.cell_of(place) for place in ((2, 5), (3, 4), (15, 5), (3, 11))] == [None] * 4


@given(st.data())
def test_the_cells_that_hold_a_core_are_those_that_the_engine_puts_one_into(data) -> None:
    sides = st.integers(1, 40)
    regions = [region(*data.draw(st.tuples(sides, sides, sides, sides))) for _ in range(3)]
    layout = lay_out(regions, data.draw(st.integers(1, 30)), data.draw(st.integers(1, 10)))
    watched, held = layout.watched, set()
    for each in regions:
        for y in range(each.y, each.y + each.height):
            for x in range(each.x, each.x + each.width):
                row = (y - watched.y) * watched.rows // watched.height
                held.add(row * watched.columns + (x - watched.x) * watched.columns // watched.width)
    assert np.flatnonzero(layout.placed).tolist() == sorted(held)


def test_counters_of_other_cores_are_refused() -> None:
    with pytest.raises(ValueError, match="3 cells, 4 are drawn"):
        picture(lay_out([region(0, 0, 2, 2)], 8, 8), idle_states(3))


def test_what_is_active_is_bright_and_all_else_idle() -> None:
    layout = lay_out([region(10, 10, 4, 2)], 4, 1)
    drawn = active_blocks(layout, [ActiveRegion(11, 10, 2, 1, 1.0, "a layer")])
    assert drawn.tolist() == [1, 1 + LEVELS, 1 + LEVELS, 1, 1, 1, 1, 1]


def test_the_strongest_of_what_is_active_in_a_block_colours_it() -> None:
    layout = lay_out([region(0, 0, 8, 4)], 4, 1)
    parts = [ActiveRegion(0, 0, 8, 4, 0.0, "faint"), ActiveRegion(3, 1, 1, 1, 1.0, "bright")]
    for order in (parts, parts[::-1]):
        assert active_blocks(layout, order)[:4].tolist() == [2, 1 + LEVELS, 2, 2]


def test_what_is_active_elsewhere_is_not_drawn() -> None:
    layout = lay_out([region(10, 10, 4, 2)], 4, 1)
    away = [ActiveRegion(0, 0, 9, 9, 1.0, "north-west"), ActiveRegion(20, 20, 3, 3, 1.0, "beyond")]
    assert set(active_blocks(layout, away).tolist()) == {1}


def test_states_are_read_as_the_engine_writes_them() -> None:
    states = np.arange(12, dtype="<u8").reshape(2, 6)
    assert read_states(states.tobytes()).tolist() == states.tolist()


def test_equal_neighbours_are_one_segment() -> None:
    pixels = np.array([[0, 0, 1, 1, 2, 2], [0, 0, 1, 1, 3, 3]], dtype=np.uint8)
    (strip,) = grid_strips(pixels, palette_for("#101010"))
    assert [segment.text for segment in strip] == ["  ", "  ", "▀▀"]


def test_a_lone_lower_core_keeps_the_background_above_it() -> None:
    palette = palette_for("#101010")
    (strip,) = grid_strips(np.array([[0], [2]], dtype=np.uint8), palette)
    (segment,) = strip
    assert segment.text == "▄"
    assert segment.style is not None
    assert segment.style.color == palette.colours[2]
    assert segment.style.bgcolor == palette.colours[0]


def test_cell_styles_are_made_once() -> None:
    palette = palette_for("#101010")
    assert palette.cell(45) is palette.cell(45)


def test_a_picture_of_the_past_is_nearer_to_the_background() -> None:
    def distance(dimmed: bool) -> int:
        colour = palette_for("#000000", dimmed).colours[-1].triplet
        assert colour is not None
        return sum(colour)

    assert distance(dimmed=True) < distance(dimmed=False)


def test_the_pointer_replaces_one_cell() -> None:
    pixels = np.full((2, 5), 2, dtype=np.uint8)
    (strip,) = grid_strips(pixels, palette_for("#101010"))
    for x in range(5):
        text = marked(strip, x, Style()).text
        assert len(text) == 5
        assert text.index("◆") == x


@given(
    regions=st.lists(
        st.builds(
            region,
            st.integers(0, 60),
            st.integers(0, 60),
            st.integers(1, 30),
            st.integers(1, 30),
        ),
        min_size=1,
        max_size=4,
    ),
    width=st.integers(1, 80),
    height=st.integers(1, 30),
)
def test_every_core_is_drawn_inside_the_space_there_is(
    regions: list[RegionInfo], width: int, height: int
) -> None:
    layout = lay_out(regions, width, height)
    assert layout.cell_width <= width
    assert layout.cell_height <= height
    assert layout.cores == sum(part.width * part.height for part in regions)
    assert len(layout.placed) == layout.columns * layout.rows
    strips = grid_strips(picture(layout, None), palette_for("#101010"))
    assert len(strips) == layout.cell_height
    assert {strip.cell_length for strip in strips} == {layout.cell_width}


def test_sixteen_colours_are_shaded_with_characters() -> None:
    hues = ("#f2b84b", "#5cc8b4")
    palette = palette_for("#101010", False, hues, few_colours=True)
    levels = [2 + LEVELS + step for step in range(LEVELS)]  # all of the second hue
    (strip,) = grid_strips(np.array([[0, 1, *levels], [0] * 18], dtype=np.uint8), palette)
    assert strip.text == " ·" + "░░░░▒▒▒▒▓▓▓▓████"
    (colour,) = {segment.style.color for segment in list(strip)[2:]}
    assert colour.downgrade(ColorSystem.STANDARD).number == 6  # cyan


def test_each_of_our_colours_is_another_of_sixteen() -> None:
    ours = {*STATE_COLOURS, *OWNER_COLOURS, *CHANGE_COLOURS}
    numbers = {
        Color.parse(terminal_colour(each)).downgrade(ColorSystem.STANDARD).number for each in ours
    }
    assert len(numbers) == len(ours)


def test_the_stronger_of_two_pixels_is_shown_and_an_edge_stays_in_sight() -> None:
    palette = palette_for("#101010", few_colours=True)
    weak, strong = 2, 2 + LEVELS + LEVELS - 1
    edge = palette.outlined
    pixels = np.array([[weak, 1, edge + 1, 0], [strong, edge + 1, weak, edge]], dtype=np.uint8)
    (strip,) = grid_strips(pixels, palette)
    assert strip.text == "█+░+"
