"""Marks stay on their lines while lines come and go."""

from tui.code.line_marks import LineMarks, MarkLayer, Sign

DOT = Sign(0, "●", "error")


def marked(*rows: int) -> MarkLayer:
    return MarkLayer({row: [(0, 1, "error")] for row in rows}, dict.fromkeys(rows, DOT))


def rows_of(marks: LineMarks) -> list[int]:
    rows = [row for row in range(20) if marks.spans(row)]
    assert rows == [row for row in range(20) if marks.signs(row)]
    return rows


def test_later_layers_lie_on_top() -> None:
    marks = LineMarks()
    marks.put("low", MarkLayer({1: [(0, 2, "error")]}))
    marks.put("high", MarkLayer({1: [(1, 3, "match")]}))
    assert marks.spans(1) == ((0, 2, "error"), (1, 3, "match"))
    assert marks.spans(0) == marks.signs(1) == ()


def test_putting_the_same_changes_nothing() -> None:
    marks = LineMarks()
    assert not marks.put("find", MarkLayer())
    assert marks.put("find", marked(1))
    assert not marks.put("find", marked(1))


def test_lines_that_come_move_what_is_below_them() -> None:
    marks = LineMarks()
    marks.put("find", marked(2, 5, 6))
    marks.move(5, 3)
    assert rows_of(marks) == [2, 5, 9]


def test_lines_that_go_take_their_marks_with_them() -> None:
    marks = LineMarks()
    marks.put("find", marked(2, 5, 6, 9))
    marks.move(4, -2)
    assert rows_of(marks) == [2, 7]
