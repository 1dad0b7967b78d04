"""The picture of a wafer map: what is shown, what is missing, and what the colours say."""

import numpy as np
import pytest

from engine.protocol.messages import StillAsked
from tests.tui.visuals.inks import INKS
from tui.demo_engine import demo_ready, demo_still, demo_telemetry
from tui.visuals.active_region import ActiveRegion
from tui.visuals.map_kinds import MAP_KINDS, kind_named
from tui.visuals.map_picture import MapPicture
from tui.visuals.palette import LEVELS

MACHINE = demo_ready().machine


def shown(kind: str = "state", compared: str = "", told: bool = True) -> MapPicture:
    """A picture with all the numbers that it wants."""
    picture = MapPicture(MACHINE, 60, 30)
    picture.chosen.kind, picture.chosen.compared = kind_named(kind), compared
    if told:
        tell(picture)
    return picture


def tell(picture: MapPicture) -> None:
    cores = picture.cores.watched
    assert picture.take_states(cores, demo_telemetry(demo_ready(), 3, cores=cores).cell_states)
    for what, machine in picture.wanted:
        still = demo_still(StillAsked(1, 1, what, cores, machine))
        assert picture.take_still((what, machine), cores, still.values)


def cells(picture: MapPicture) -> list[list[str]]:
    return [[str(segment) for segment in strip] for strip in picture.strips(INKS)]


def test_it_asks_for_what_its_colours_need_and_for_nothing_else() -> None:
    wanted = {kind.name: shown(kind.name, told=False).wanted for kind in MAP_KINDS}
    assert wanted == {
        "state": [], "work": [], "owner": [], "links": [("links", "")], "SRAM": [("sram", "")],
        "age": [("age", "")], "change": [("marked", "")],
    }  # fmt: skip
    assert shown("change", "wse2", told=False).wanted == [("states", ""), ("states", "wse2")]
    assert shown("links").wanted == []


@pytest.mark.parametrize("kind", [kind.name for kind in MAP_KINDS])
def test_every_kind_draws_something_of_its_own_and_fits(kind: str) -> None:
    picture = shown(kind)
    strips = picture.strips(INKS)
    assert {strip.cell_length for strip in strips} == {picture.cores.cell_width}
    others = [cells(shown(other.name)) for other in MAP_KINDS if other.name != kind]
    assert cells(picture) not in others


def test_numbers_of_cells_that_are_drawn_no_more_are_refused() -> None:
    picture = shown("sram".upper())
    late = picture.cores.watched
    picture.zoom(closer=True)
    assert picture.states is None
    assert picture.wanted == [("sram", "")]
    assert not picture.take_states(late, b"")
    assert not picture.take_still(("sram", ""), late, b"")


def test_zooming_keeps_the_core_under_the_pointer_where_it_is() -> None:
    picture = MapPicture(MACHINE, 60, 30)
    place = 40, 30
    before = picture.cores
    pixel = (place[0] - before.x) / before.block * before.zoom
    for _ in range(3):
        picture.zoom(closer=True, around=place)
        cores = picture.cores
        assert cores.cell_of(place) is not None
    after = (place[0] - picture.cores.x) / picture.cores.block * picture.cores.zoom
    assert abs(after - pixel) < 3 * picture.cores.zoom


def test_panning_moves_by_pixels_and_stops_at_the_edge_of_the_wafer() -> None:
    picture = MapPicture(MACHINE, 60, 30)
    picture.centre_on(450, 400)
    x = picture.cores.x
    picture.pan(5, 0)
    assert picture.cores.x == x + 5
    picture.pan(10_000, 10_000)
    cores = picture.cores
    assert (cores.x + cores.columns, cores.y + cores.rows) == (MACHINE.columns, MACHINE.rows)


def test_all_cores_of_the_wafer_fit_and_then_the_placed_ones_again() -> None:
    picture = MapPicture(MACHINE, 60, 30)
    fitted = picture.cores.watched
    picture.show_whole_wafer()
    cores = picture.cores
    assert (cores.x, cores.y) == (0, 0)
    assert cores.columns * cores.block >= MACHINE.columns
    assert cores.rows * cores.block >= MACHINE.rows
    assert int(cores.held.sum()) == cores.cores
    picture.fit()
    assert picture.cores.watched == fitted


def test_one_state_alone_is_as_bright_as_its_share() -> None:
    picture = shown()
    picture.chosen.alone = 3
    blocks = picture._blocks()
    assert picture.states is not None
    share = picture.states[:, 3] / np.maximum(picture.states.sum(axis=1), 1)
    brightest, darkest = int(share.argmax()), int(np.where(share > 0, share, 2).argmin())
    assert (blocks[brightest] - 2) // LEVELS == 3
    assert blocks[brightest] > blocks[darkest]


def test_the_names_of_regions_are_written_where_they_have_room() -> None:
    text = ["".join(segment.text for segment in strip) for strip in shown().strips(INKS)]
    for number in range(6):
        assert any(f" layer {number} " in line for line in text)
    picture = shown()
    picture.chosen.outlines = False
    assert "layer" not in "".join(segment.text for s in picture.strips(INKS) for segment in s)


def test_a_change_is_measured_against_the_mark() -> None:
    picture = shown("change")
    before, now = picture.change_of_all() or (0.0, 0.0)
    states = demo_telemetry(demo_ready(), 3).states_by_region
    busy, total = (sum(sum(row[:end]) for row in states) for end in (5, 6))
    assert now == pytest.approx(busy / total)
    assert before != now
    picture.forget("marked")
    assert picture.change_of_all() is None
    assert picture.take_still(("marked", ""), picture.cores.watched, b"")  # nothing is marked
    assert picture.change_of_all() is None


def test_what_is_active_hides_the_counters() -> None:
    picture = shown()
    counters = cells(picture)
    picture.active = (ActiveRegion(2, 3, 24, 22, 1.0, "layer 0"),)
    assert cells(picture) != counters
    picture.active = None
    assert cells(picture) == counters
