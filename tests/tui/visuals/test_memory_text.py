"""The memory pane: inside its space, whole words where they fit."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from engine.protocol.messages import WeightType
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


def test_blocks_of_layers_are_one_line_too() -> None:
    regions = [replace(READY.machine.regions[0], label=f"layers {n}–{n + 5}") for n in (0, 6, 12)]
    (kind,) = region_kinds(regions)
    assert (kind.name, kind.count) == ("layers", 3)


@given(width=st.integers(34, 100))
def test_caption_and_legend_are_whole(width: int) -> None:
    lines = memory_text(MemoryView(READY), width, 30, INKS).plain.splitlines()
    (caption,) = [line for line in lines if line.startswith("SRAM")]
    assert " of 48.0 KB" in caption
    assert "■ code  ■ weights  ■ kv  ■ buffers" in [line.rstrip() for line in lines]


def test_the_truth_about_the_weights() -> None:
    types = {
        "q5_0": WeightType(133, 254_000_000),
        "q8_0": WeightType(13, 139_400_000),
        "fp32": WeightType(121, 286_720),
    }
    model = replace(READY.model, types=types, fill_in_the_middle=False, language="any")
    view = MemoryView(replace(READY, model=model), tokens_per_second=17.25)
    lines = memory_text(view, 44, 30, INKS).plain.splitlines()
    assert lines[1] == "llama, 6 layers × 256, 8 192 tokens"
    assert lines[2:4] == ["q5_0 254 MB in 133, q8_0 139 MB in 13", "fp32 287 KB in 121"]
    assert lines[4] == "prefix only, 17.2 tok/s"


def test_the_size_of_a_long_name_is_said_shorter_not_cut() -> None:
    model = replace(
        READY.model, name="qwen2.5-coder-0.5b", parameters=630_167_424, weight_bytes=485_000_000
    )
    view = MemoryView(replace(READY, model=model))
    heads = [memory_text(view, width, 30, INKS).plain.splitlines()[0] for width in (44, 39, 30, 20)]
    assert heads == [
        "qwen2.5-coder-0.5b  630M parameters, 485 MB",
        "qwen2.5-coder-0.5b  630M, 485 MB",
        "qwen2.5-coder-0.5b  485 MB",
        "qwen2.5-coder-0.5b",
    ]


@given(width=st.integers(34, 60))
def test_no_number_of_a_large_model_is_cut(width: int) -> None:
    regions = [replace(READY.machine.regions[0], label="layers 12–17", x=223, y=448)]
    machine = replace(READY.machine, regions=regions, cores_used=516_096)
    model = replace(READY.model, layers=30, width=576, vocabulary=151_936)
    lines = memory_text(
        MemoryView(replace(READY, model=model, machine=machine)), width, 40, INKS
    ).plain
    assert "…" not in lines


def test_where_each_layer_lies_is_said_where_there_is_room() -> None:
    lines = memory_text(MemoryView(READY), 44, 40, INKS).plain.splitlines()
    assert "layer 1       28,3     24×22    41.9 KB" in lines
    assert lines[-1].startswith("head")
    lines = memory_text(MemoryView(READY), 44, len(lines) - 2, INKS).plain.splitlines()
    assert lines[-1] == "and 3 more"
