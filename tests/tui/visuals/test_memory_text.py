"""The memory pane: inside its space, whole words where they fit."""

from hypothesis import given
from hypothesis import strategies as st

from tests.tui.visuals.inks import INKS, widths
from tui.demo_engine import demo_ready
from tui.visuals.memory_text import MemoryView, memory_text, region_kinds

READY = demo_ready()


@given(width=st.integers(24, 100), height=st.integers(1, 30), position=st.integers(0, 2048))
def test_memory_keeps_to_its_pane(width: int, height: int, position: int) -> None:
    text = memory_text(MemoryView(READY, position, 2048), width, height, INKS)
    assert len(widths(text)) <= height
    assert max(widths(text)) <= width


def test_regions_of_one_job_are_one_line() -> None:
    kinds = region_kinds(READY.machine.regions)
    assert [(kind.name, kind.count, kind.shape) for kind in kinds] == [
        ("layer", 6, "24×22"),
        ("head", 1, "8×46"),
    ]
    assert sum(kind.cores for kind in kinds) == READY.machine.cores_used


@given(width=st.integers(34, 100))
def test_caption_and_legend_are_whole(width: int) -> None:
    lines = memory_text(MemoryView(READY), width, 30, INKS).plain.splitlines()
    (caption,) = [line for line in lines if line.startswith("SRAM")]
    assert " of 48.0 KB" in caption
    assert lines[-1].rstrip() == "■ code  ■ weights  ■ kv  ■ buffers"
