import pytest

from engine.quality.endings import judge_ending


def judged(text: str, truth: str, prefix: str = "", suffix: str = "") -> list[str]:
    return sorted(judge_ending(text, prefix, suffix, truth))


@pytest.mark.parametrize(
    ("text", "truth", "expected"),
    [
        ("load(x)", "load(x)\nnext()", ["line_right"]),
        ("load(x)", "load(x)  \nnext()", ["line_right"]),
        ("load", "load(x)", ["line_short"]),
        ("load(x).y", "load(x)\nnext()", ["line_over"]),
        ("save(x)", "load(x)", []),
        ("load(x", "load(x)", ["bracket_open", "line_short"]),
        ("load(", "load(\n    x)", ["line_right"]),
        ("load('(')", "load('(')", ["line_right"]),
        ("load(x))", "other", ["bracket_extra"]),
        ("a = 1\nreturn a", "a = 1\nreturn a\n\ndef g():", ["block_short"]),
        ("", "x", []),
    ],
)
def test_hand_worked_endings(text: str, truth: str, expected: list[str]) -> None:
    assert judged(text, truth) == expected


def test_a_block_ends_where_the_next_line_is_less_deep() -> None:
    prefix = "def f():\n    "
    assert judged("a = 1\n    return a", "a = 1\n    return a\n\nx = 2", prefix) == ["block_right"]
    assert judged("a = 1\n    b = 2", "a = 1\n    b = 2\n    c = 3", prefix) == ["block_short"]
    longer = "a = 1\n    return a\n    b = 2"
    assert judged(longer, "a = 1\n    return a\nx = 2", prefix) == ["block_over"]


def test_a_bracket_opened_before_may_be_closed() -> None:
    assert judged("x)", "x)", "load(") == ["line_right"]
    assert judged("x))", "x)", "load(") == ["bracket_extra", "line_over"]
    assert judged("x)", "x", "load(", ")") == ["bracket_extra", "line_over"]
    assert judged("x,\n    y)", "?", "load(\n    [1, 2],\n    ") == []


def test_a_suffix_said_again_is_noticed() -> None:
    suffix = "\n    return result\n"
    assert judged("result = 1\n    return result", "result = 1", "    ", suffix) == [
        "repeats_suffix"
    ]
    assert judged("path, mode=1)", "path", "open(", ", mode=1)") == [
        "bracket_extra",
        "line_over",
        "repeats_suffix",
    ]
    assert judged("result = 1", "result = 1", "    ", suffix) == ["line_right"]
    assert judged("a:", "a", "if ", ":") == ["line_over", "repeats_suffix"]


def test_a_bracket_opened_far_above_may_be_closed() -> None:
    assert judged("]", "]", "x = [\n" + "    1,\n" * 40) == ["line_right"]
