"""Numbers that cannot be: they are noticed at the door, and no text is made of them."""

from typing import Any

import pytest
from msgspec.structs import replace

from engine.protocol.messages import (
    AnswerWave,
    AnswerXray,
    Compared,
    Completed,
    Failed,
    OtherText,
    RegionInfo,
    SessionFailed,
    WatchedCores,
)
from engine.protocol.xray import StreamVisit
from tests.tui.app.fakes import FakeClient
from tui.demo_engine import (
    demo_comparison,
    demo_completion,
    demo_ready,
    demo_telemetry,
    demo_wave,
    demo_xray,
)
from tui.format import (
    DASH,
    bytes_text,
    count_text,
    file_size_text,
    milliseconds_text,
    percent_text,
    rate_text,
    short_count_text,
)
from tui.link.engine_link import EngineLink
from tui.link.sound_messages import flaw_of

READY = demo_ready()
COUNTERS = demo_telemetry(READY, 3, cores=WatchedCores(0, 0, 90, 60, 9, 6))
NAN, INFINITE = float("nan"), float("inf")


def rates(**changed: Any) -> Any:
    return replace(COUNTERS, throughput=replace(COUNTERS.throughput, **changed))


def machine(**changed: Any) -> Any:
    return replace(READY, machine=replace(READY.machine, **changed))


def region(**changed: Any) -> Any:
    regions = [replace(READY.machine.regions[0], **changed), *READY.machine.regions[1:]]
    return machine(regions=regions)


def step(**changed: Any) -> Any:
    """An X-ray whose last step has other numbers."""
    xray = demo_xray()
    return AnswerXray(
        1, replace(xray, steps=[*xray.steps[:-1], replace(xray.steps[-1], **changed)])
    )


def token(**changed: Any) -> Any:
    xray = demo_xray()
    return AnswerXray(1, replace(xray, tokens=[replace(xray.tokens[0], **changed)]))


def bands(**changed: Any) -> Any:
    wave = demo_wave()
    return AnswerWave(1, 1, 0, replace(wave, bands=replace(wave.bands, **changed)))


def test_xrays_and_waves_pass_the_door() -> None:
    assert flaw_of(step()) is flaw_of(token()) is flaw_of(bands()) is None


@pytest.mark.parametrize(
    "message",
    [
        step(cycles=0),
        step(used=0),
        step(host_ms=NAN),
        step(joules=(0.1, INFINITE, 1.0)),
        step(cycles_by_operation={"matmul": -1}),
        step(visits=[StreamVisit(99, 0, 1)]),
        step(states_by_region=[[1, 2]]),
        token(step=99),
        token(probability=1.5),
        token(others=[("x", NAN)]),
        AnswerXray(1, replace(demo_xray(), clock_ghz=0.0)),
        bands(x=[1]),
        bands(end=[1 << 60] * 28),
        bands(operation=[99] * 28),
        AnswerWave(1, 1, 0, replace(demo_wave(), cycles=0)),
        Compared(1, replace(demo_comparison(), clock_ghz=float("nan"))),
        Compared(
            1,
            replace(
                demo_comparison(),
                peers=[replace(demo_comparison().peers[0], joules_per_token=-1.0)],
            ),
        ),
        rates(host_decode_tokens_per_second=NAN),
        rates(wafer_prefill_cycles_per_token=INFINITE),
        rates(decode_tokens=-1),
        OtherText(1, "x", 0.5),
        OtherText(1, "x", -0.5, [(1, NAN)]),
        replace(READY, model=replace(READY.model, threshold=NAN)),
        replace(COUNTERS, position=-5),
        replace(COUNTERS, states_by_region=[[1, 2]]),
        replace(COUNTERS, states_by_region=[[0] * 7]),
        replace(COUNTERS, states_by_region=[[0, 0, 0, 0, 0, -1]]),
        replace(COUNTERS, cell_states=COUNTERS.cell_states[:-1]),
        replace(COUNTERS, cores=None),
        replace(COUNTERS, cores=WatchedCores(0, 0, 2, 2, 2**20, 2**20)),
        replace(COUNTERS, cycles_by_operation={"matmul": -1}),
        machine(clock_ghz=0.0),
        machine(clock_ghz=NAN),
        machine(columns=-1),
        region(width=0),
        region(height=-3),
        region(x=-1),
        region(width=10**9, height=10**9),
        region(sram_bytes={"code": -1}),
        machine(regions=[RegionInfo("r", 0, 0, 90_000, 90_000, {})]),
    ],
)
def test_a_flaw_is_noticed(message: Any) -> None:
    assert flaw_of(message)


def test_what_the_engine_really_sends_has_no_flaw() -> None:
    for message in (READY, COUNTERS, demo_telemetry(READY, busy=False), rates(decode_tokens=0)):
        assert flaw_of(message) is None
    assert flaw_of(machine(regions=[])) is None


def test_numbers_that_cannot_be_cost_the_message_and_not_the_app(
    caplog: pytest.LogCaptureFixture,
) -> None:
    told: list[Any] = []
    client = FakeClient()
    link = EngineLink(lambda message: told.append(message.event), client.listen)
    link._deliver(rates(host_decode_tokens_per_second=NAN))
    assert told == []
    assert "host_decode_tokens_per_second is no amount" in caplog.text
    link._deliver(region(width=0))
    completion = demo_completion("x")
    host = replace(completion.host, tokens_per_second=NAN)
    link._deliver(Completed(7, replace(completion, host=host)))
    link._deliver(Completed(8, replace(completion, mean_logprob=-3.5)))
    assert [type(event) for event in told] == [SessionFailed, Failed, Completed]
    assert (told[0].session, told[1].request_id, told[2].request_id) == (1, 7, 8)


@pytest.mark.parametrize("value", [NAN, INFINITE, -INFINITE])
def test_no_text_is_made_of_what_is_no_number(value: float) -> None:
    for text in (
        bytes_text,
        count_text,
        file_size_text,
        milliseconds_text,
        percent_text,
        rate_text,
        short_count_text,
    ):
        assert text(value) == DASH
