"""Passages of files, as a person would cut them."""

from hypothesis import given
from hypothesis import strategies as st

from engine.asking.passages import LEAST_LINES, MOST_LINES, Passage, definition, passages

PYTHON = """\
import a

@cache
def first(
    x,
):
    if x:
        return 1

    return 2


class Second:
    pass
"""

GO = """\
/// Add adds.
func Add(a int) int {
	if a > 0 {
		return a
	}
	return 0
}

func Next() {
}
"""


def test_a_definition_has_its_decorators_and_its_body() -> None:
    found = definition("a.py", PYTHON.split("\n"), 4)
    assert (found.first, found.last) == (3, 10)
    assert found.lines[0] == "@cache"
    assert found.lines[-1] == "    return 2"


def test_a_definition_ends_with_its_bracket() -> None:
    found = definition("a.go", GO.split("\n"), 2)
    assert (found.first, found.last, found.lines[-1]) == (1, 7, "}")


def test_a_definition_without_a_body_is_a_line() -> None:
    assert definition("a.py", ["X = 1", "Y = 2"], 1).lines == ("X = 1",)


def test_a_long_definition_is_cut() -> None:
    lines = ["def f():", *(f"    x{i} = {i}" for i in range(500))]
    assert len(definition("a.py", lines, 1).lines) == MOST_LINES


def test_files_are_cut_where_definitions_begin() -> None:
    body = ["    x = 1"] * LEAST_LINES
    lines = ["def f():", *body, "", "@wraps", "def g():", *body, "class C:", "    pass"]
    found = list(passages("a.py", lines))
    assert [each.lines[0] for each in found] == ["def f():", "@wraps", "class C:"]


@given(
    st.lists(st.sampled_from(["", "def f():", "    x", "@a", "}", "    def g():"]), max_size=200)
)
def test_every_line_that_is_not_blank_is_in_one_passage(lines: list[str]) -> None:
    found = list(passages("a.py", lines))
    numbers = [number for each in found for number in range(each.first, each.last + 1)]
    assert len(numbers) == len(set(numbers))
    assert {i for i, line in enumerate(lines, 1) if line} <= set(numbers)
    assert all(each.lines == tuple(lines[each.first - 1 : each.last]) for each in found)
    assert all(len(each.lines) <= MOST_LINES for each in found)


def test_passages_overlap_in_one_file_alone() -> None:
    lines = [str(number) for number in range(1, 10)]
    one, two = Passage.of("a", lines, 1, 4), Passage.of("a", lines, 4, 6)
    assert one.overlaps(two)
    assert not one.overlaps(Passage.of("a", lines, 5, 6))
    assert not one.overlaps(Passage.of("b", lines, 1, 4))
