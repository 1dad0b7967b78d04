"""A wave cycle by cycle: bands at work are bright, those that ended fade, others are not there."""

from tui.demo_engine import demo_ready, demo_wave
from tui.visuals.wave import PlayedWave

WAVE = PlayedWave(demo_wave())


def test_the_bands_at_work_are_those_of_the_cycle() -> None:
    region = demo_ready().machine.regions[1]
    (band,) = [each for each in WAVE.active(9_000, 1) if each.strength == 1.0]
    assert (band.x, band.y, band.width, band.height) == (region.x, region.y, 6, region.height)
    assert band.name == WAVE.operation_at(9_000) == "matmul"


def test_a_band_that_ended_fades_and_goes() -> None:
    def strength(cycle: int) -> float:
        first = demo_ready().machine.regions[0]
        shown = [each for each in WAVE.active(cycle, 500) if (each.x, each.y) == (first.x, first.y)]
        return shown[0].strength if shown else 0.0

    levels = [strength(cycle) for cycle in (2_500, 3_000, 3_600, 4_200, 4_900, 5_200)]
    assert levels[:2] == [1.0, 1.0]
    assert levels[1:5] == sorted(levels[1:5], reverse=True)
    assert levels[4] < levels[2] < 1.0
    assert levels[5] == 0.0


def test_nothing_works_after_the_end() -> None:
    assert WAVE.operation_at(WAVE.cycles + 1) == ""
    assert not WAVE.active(WAVE.cycles + 10_000, 100)
