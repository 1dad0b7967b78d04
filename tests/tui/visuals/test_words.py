"""The panes in words: every figure of the picture is in them, and no drawing."""

import re

import pytest

from engine import STATES
from engine.protocol.messages import Telemetry
from tui.demo_engine import (
    demo_comparison,
    demo_completion,
    demo_history,
    demo_ready,
    demo_telemetry,
    demo_xray,
)
from tui.demo_what_if import demo_curve
from tui.visuals.memory_text import MemoryView
from tui.visuals.peers_text import PeersView
from tui.visuals.throughput_view import ThroughputView
from tui.visuals.what_if_text import WhatIfView
from tui.visuals.words.memory_words import memory_words
from tui.visuals.words.peers_words import peers_words
from tui.visuals.words.throughput_words import throughput_words
from tui.visuals.words.wafer_words import wafer_words
from tui.visuals.words.what_if_words import what_if_words
from tui.visuals.words.xray_words import xray_words
from tui.visuals.xray_text import XrayView

READY = demo_ready()
CURVE = demo_curve("sram")
WHAT_IF = WhatIfView(base=CURVE.points[1], curve=CURVE, at=3, setup=CURVE.points[3].setup)
DRAWN = re.compile("[▀-▟─-╿■●◆]")
EVERY = {
    "wafer": wafer_words(READY, demo_telemetry(READY, 3)),
    "throughput": throughput_words(ThroughputView(demo_history(9), 0.85, demo_completion("x"))),
    "memory": memory_words(MemoryView(READY, 120, 1024, 88.0)),
    "xray": xray_words(XrayView(demo_xray(), 1)),
    "peers": peers_words(PeersView(demo_comparison())),
    "what if": what_if_words(WHAT_IF),
}
BEFORE = {
    "wafer": wafer_words(None, None),
    "throughput": throughput_words(ThroughputView()),
    "memory": memory_words(MemoryView()),
    "xray": xray_words(XrayView()),
    "peers": peers_words(PeersView()),
    "what if": what_if_words(WhatIfView()),
}


@pytest.mark.parametrize("words", [*EVERY.values(), *BEFORE.values()], ids=[*EVERY, *BEFORE])
def test_nothing_is_drawn(words: str) -> None:
    assert words.strip()
    assert not DRAWN.search(words)


def test_the_cores_of_a_region_are_told_by_state() -> None:
    telemetry: Telemetry = demo_telemetry(READY, 3)
    lines = {line.split("  ")[0]: line.split() for line in EVERY["wafer"].splitlines()}
    for region, states in zip(READY.machine.regions, telemetry.states_by_region, strict=True):
        told = [float(share.strip("<%")) for share in lines[region.label][-len(STATES) :]]
        for share, count in zip(told, states, strict=True):
            assert share == pytest.approx(100 * count / sum(states), abs=0.1)


def test_every_priced_value_is_told_with_its_time_and_what_does_not_fit_with_its_reason() -> None:
    said = what_if_words(WHAT_IF)
    rows = [line.split("  ") for line in said.splitlines() if " KiB  " in line]
    assert [row[0].strip() for row in rows] == ["32 KiB", "48 KiB", "64 KiB", "96 KiB"]
    assert "does not fit" in said.splitlines()[4]
    assert [row[-1] for row in rows] == ["does not fit", "41.9 KB", "41.9 KB", "looked at"]
    assert "a core has 32,768" in said
    assert "4.37 ms" in said
    assert "+61.8%" in said
    assert "link 32 bits" in said


def test_the_operations_of_a_token_add_up() -> None:
    xray = demo_xray()
    step = xray.steps[xray.tokens[1].step]
    for name, cycles in step.cycles_by_operation.items():
        if cycles:
            assert re.search(rf"^{name} +{cycles:,}".replace(",", " "), EVERY["xray"], re.MULTILINE)


def test_every_machine_has_its_source() -> None:
    for each in demo_comparison().peers:
        assert f"{each.name}: {each.source}" in EVERY["peers"]


def test_averages_are_of_all_intervals() -> None:
    values = [
        point.host_decode_tokens_per_second
        for point in demo_history(9)
        if point.host_decode_tokens_per_second is not None
    ]
    (line,) = (each for each in EVERY["throughput"].splitlines() if each.startswith("host decode"))
    assert f"{sum(values) / len(values):.0f}" in line.split()
