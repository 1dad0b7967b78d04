"""One core in words: every number that the engine told is there."""

from msgspec.structs import replace

from engine.protocol.messages import CoreAsked
from tests.tui.visuals.inks import INKS
from tui.demo_engine import demo_core
from tui.visuals.core_text import core_text, current_step, program_rows

CORE = demo_core(CoreAsked(1, 1, 5, 9))


def test_memory_weights_counters_and_colors_are_told() -> None:
    text = core_text(CORE, 48 * 1024, 96, INKS).plain
    for words in (
        "code 22.0 KB", "41.9 KB of 48.0 KB, 87.2%",
        "layers.0.attention.q.weight  outputs 0–15, inputs 96–127  544 B int8",
        "chain north–south of pitch 1  core takes and gives: from the south, to the north",
        "lane 2, layer 0 → layer 1  only passes: from the west, to the east",
        "30 300", "362 400",
    ):  # fmt: skip
        assert words in text, words


def test_a_bar_of_memory_has_the_width_there_is() -> None:
    bar = core_text(CORE, 48 * 1024, 60, INKS).plain.split("\n")[1]
    assert len(bar) == 58
    assert bar.count("░") == round(56 * (1 - 42_872 / 49_152))


def test_a_router_without_a_core_says_so() -> None:
    nothing = [0] * 6
    bare = replace(CORE, label="", memory={}, tiles=(), steps=(), last_states=nothing)
    text = core_text(bare, 48 * 1024, 80, INKS).plain
    assert text.count("none") == 3
    assert "last interval" not in text


def test_the_current_step_is_the_one_that_the_cycle_is_in() -> None:
    assert [current_step(CORE, cycle) for cycle in (0, 95, 96, 213, 214, 889, 9_999)] == [
        0, 0, 1, 1, 2, 3, 3,
    ]  # fmt: skip
    rows = [row.plain for row in program_rows(CORE, 1, 120, INKS)]
    assert [row[0] for row in rows] == [" ", "▶", " ", " "]
    assert "comm 1 pipe 20 waits 97" in rows[1]
    assert "MAC 430 vector 24 pipe 34" in rows[3]


def test_names_from_elsewhere_cannot_steer_the_terminal() -> None:
    evil = replace(CORE.tiles[0], tensor="a\x1b[2Jb")
    assert "\x1b" not in core_text(replace(CORE, tiles=(evil,)), 1, 80, INKS).plain
