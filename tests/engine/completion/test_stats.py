import pytest

from engine.completion.stats import WaferMeter, host_stats
from engine.generation.generator import Generation, RunnerStep
from tests.canned import CannedPlaced, canned_machine_info


def meter(context_length=100):
    return WaferMeter(canned_machine_info(), CannedPlaced([]), context_length)


def prefill(position, rows, seconds=0.0):
    return RunnerStep(position, rows, decode=False, seconds=seconds)


def decode(position, seconds=0.0):
    return RunnerStep(position, 1, decode=True, seconds=seconds)


def test_wafer_time_is_summed_over_the_steps():
    steps = [prefill(0, 64), prefill(64, 6), decode(70), decode(71)]
    stats = meter().stats(Generation(prompt_tokens=70, steps=steps))
    assert stats.cycles_prefill == 64_000 + 6_064
    assert stats.cycles_per_token == (1_070 + 1_071) / 2
    assert stats.tokens_per_second == 1e9 / stats.cycles_per_token
    assert stats.mac_utilisation == pytest.approx(0.05)
    assert stats.sram_bytes_per_core_max == 10
    assert (stats.machine, stats.program, stats.cores_used) == ("canned", "program", 2)


@pytest.mark.parametrize(("context_length", "position"), [(100, 70), (70, 69)])
def test_without_a_decode_step_the_figure_is_of_one_after_the_prompt(context_length, position):
    generation = Generation(prompt_tokens=70, steps=[prefill(0, 70)])
    assert meter(context_length).stats(generation).cycles_per_token == 1_000 + position


def test_the_utilisation_is_weighed_by_cycles():
    class Prices(CannedPlaced):
        def mac_utilisation(self, position):
            return {0: 0.0, 1_000: 0.3}[position]

    stats = WaferMeter(canned_machine_info(), Prices([]), 2_000).stats(
        Generation(steps=[decode(0), decode(1_000)])
    )
    assert stats.mac_utilisation == pytest.approx(0.3 * 2_000 / 3_000)


def test_host_time_is_what_the_steps_took():
    steps = [prefill(0, 64, 0.5), decode(64, 0.1), decode(65, 0.3)]
    stats = host_stats(Generation(steps=steps), 0.75, 0.002)
    assert (stats.prefill_ms, stats.decode_ms) == (500, pytest.approx(400))
    assert (stats.first_text_ms, stats.trim_ms) == (750, 2)
    assert stats.tokens_per_second == pytest.approx(5)


def test_no_rate_without_a_decode_step():
    assert host_stats(Generation(steps=[prefill(0, 64, 0.5)]), 0.75).tokens_per_second is None
