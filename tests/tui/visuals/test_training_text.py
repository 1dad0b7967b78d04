"""The text of the training pane: which blocks are lit, what stands in the lines of time."""

from dataclasses import replace

import msgspec
import pytest

from tests.tui.visuals.inks import INKS
from tui.demo_training import demo_scene
from tui.visuals.training_text import PHASES, TrainingView, phase_shares, training_text
from tui.visuals.words.training_words import training_words

SCENE = demo_scene()
VIEW = TrainingView(SCENE, progress="learning: step 9, loss 1.9", share=0.25, pace_seconds=8.0)


def drawn(moment: float, width: int = 72, height: int = 30, **changes):
    return training_text(replace(VIEW, moment=moment, **changes), width, height, INKS)


def lines_of(text) -> list[str]:
    return text.plain.split("\n")


def colours_of(text) -> set[str]:
    """Return the kinds of passes whose full colour is the ground of a cell."""
    styles = [str(span.style) for span in text.spans]
    grounds = {style.rpartition(" on ")[2] for style in styles if " on " in style}
    return {kind for kind, colour in PHASES.items() if colour in grounds}


def test_it_says_whose_time_is_whose() -> None:
    words = " ".join(drawn(0.5).plain.split())
    assert "spark-demo learns · learning: step 9, loss 1.9" in words
    assert "cycles a step of 8 × 512 tokens" in words
    assert "at 0.85 GHz" in words
    assert (
        "priced by formula, never run there 12 blocks of 64² cores: 49 152 cores of wse3" in words
    )
    assert "one step in slow motion: 8.0 s, as long as one takes on this computer" in words


def test_shares_are_all_of_the_time_of_all_stages() -> None:
    shares = phase_shares(SCENE)
    assert sum(shares.values()) == pytest.approx(1.0)
    assert shares["forward"] == pytest.approx(6 * 8 * 1000 / (7 * SCENE.cycles))
    assert shares["optimiser"] == pytest.approx(3000 / SCENE.cycles)


def test_blocks_light_up_as_their_stages_work() -> None:
    first = colours_of(drawn(0.001))
    assert first == {"forward"}  # the first block alone; later passes are dimmed until they come
    end = drawn(0.99)
    assert colours_of(end) == set(PHASES)  # what has been stays bright in the lines of time
    begin = next(line for line in lines_of(end) if line.startswith("layer 0"))
    assert "│" in begin[-3:]
    numbers = [letter for letter in begin[10:] if letter.isdigit()]
    assert set(numbers) == set("12345678")


@pytest.mark.parametrize(("width", "height"), [(20, 6), (34, 12), (60, 20), (110, 50)])
@pytest.mark.parametrize("few", [False, True])
def test_it_keeps_to_its_size(width, height, few) -> None:
    inks = replace(INKS, few_colours=few)
    for moment in (0.0, 0.3, 0.999):
        text = training_text(replace(VIEW, moment=moment), width, height, inks)
        lines = lines_of(text)
        assert len(lines) <= height
        assert all(len(line) <= width for line in lines)


def test_where_colours_cannot_be_mixed_signs_tell_the_passes() -> None:
    text = training_text(replace(VIEW, moment=0.99), 72, 30, replace(INKS, few_colours=True))
    assert "▓ forward" in text.plain
    assert "▒ backward" in text.plain
    assert " on " not in " ".join(str(span.style) for span in text.spans)


def test_layers_that_stream_in_are_named_in_the_line_of_time() -> None:
    block = msgspec.structs.replace(SCENE.blocks[0], label="a layer at a time", columns=700)
    passes = tuple(
        msgspec.structs.replace(each, what=f"layer {each.what}")
        for each in SCENE.passes
        if each.stage == 0
    )
    scene = msgspec.structs.replace(
        SCENE,
        layout="streamed",
        stages=("all cores",),
        blocks=(block,),
        passes=passes,
        adapters=True,
    )
    text = training_text(TrainingView(scene), 100, 20, INKS).plain
    assert "weights stream in, a layer at a time" in text
    assert "as if all weights learnt" in text
    assert "all cores │" in text
    assert "layer" not in text.splitlines()[-1]  # its number alone


def test_the_same_in_words() -> None:
    words = training_words(VIEW)
    assert "spark-demo learns; learning: step 9, loss 1.9." in words
    assert "priced by formula, never run" in words
    assert "On this computer one takes 8.0 s (host, measured)." in words
    row = next(line for line in words.splitlines() if line.startswith("head"))
    assert "24 576" in row
    assert training_words(TrainingView(note="nothing")) == "Training on the wafer: nothing."


def test_a_pass_that_is_too_short_for_a_cell_is_still_seen() -> None:
    passes = tuple(
        msgspec.structs.replace(each, end=each.start + 1) if each.kind == "loss" else each
        for each in SCENE.passes
    )
    scene = msgspec.structs.replace(SCENE, passes=passes)
    head = next(line for line in lines_of(drawn(0.0, scene=scene)) if line.startswith("head"))
    assert [each for each in head if each.isdigit()] == [str(row + 1) for row in range(SCENE.batch)]
