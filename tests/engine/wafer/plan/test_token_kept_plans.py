"""A plan that is remembered is the plan; a damaged memory is no memory."""

import json

import pytest

from engine.wafer.plan import kept_plans
from engine.wafer.plan.planner import plan
from engine.wafer.program import machine

SMALL = machine.get("small")


@pytest.fixture
def memory(tmp_path, monkeypatch):
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path))
    return tmp_path / "plans"


def forbidden(*arguments):
    raise AssertionError("the search was run again")


def test_the_second_start_does_not_search(tiny, memory, monkeypatch):
    expected = plan(tiny.graph, SMALL)
    assert kept_plans.remembered_plan(tiny.graph, SMALL) == expected
    monkeypatch.setattr(kept_plans, "plan", forbidden)

    assert kept_plans.remembered_plan(tiny.graph, SMALL) == expected
    with pytest.raises(AssertionError, match="again"):
        kept_plans.remembered_plan(tiny.graph, SMALL, 16)


@pytest.mark.parametrize("content", ["", "{", '{"columns": 3}', '{"columns": 7, "rows": 7}'])
def test_a_damaged_memory_is_searched_anew(tiny, memory, content):
    expected = kept_plans.remembered_plan(tiny.graph, SMALL)
    (file,) = memory.glob("*.json")
    file.write_text(content)

    assert kept_plans.remembered_plan(tiny.graph, SMALL) == expected
    assert json.loads(file.read_text())["rows"] == expected.shape.rows


def test_a_plan_that_cannot_be_kept_is_used_all_the_same(tiny, memory, caplog):
    """A full or foreign cache folder costs the search of the next start, never this one."""
    memory.write_text("a file where the folder should be")

    assert kept_plans.remembered_plan(tiny.graph, SMALL) == plan(tiny.graph, SMALL)
    assert "cannot be kept" in caplog.text


def test_another_model_or_machine_or_source_is_another_plan(tiny, memory, monkeypatch):
    """What a plan was kept for is in its name; nothing else tells a stale one."""
    from dataclasses import replace

    from tests.tiny import tiny_model, with_attributes

    slow = replace(SMALL, hop_cycles=3)
    for graph, spec in (
        (tiny.graph, SMALL), (tiny.graph, slow), (tiny_model(ffn=128).graph, SMALL),
        (with_attributes(tiny.graph, "attention", window=8), SMALL),
    ):  # fmt: skip
        kept_plans.remembered_plan(graph, spec)
    assert len(list(memory.glob("*.json"))) == 4

    monkeypatch.setattr(kept_plans, "DECIDING", kept_plans.DECIDING[:-1])  # a source changed
    kept_plans.remembered_plan(tiny.graph, SMALL)
    assert len(list(memory.glob("*.json"))) == 5
