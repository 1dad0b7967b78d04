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
