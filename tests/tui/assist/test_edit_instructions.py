"""The prepared instructions, and a person's own among them."""

from tui.assist.edit_instructions import prepared_edits


def test_a_persons_own_instructions_come_last_or_in_place_of_ours() -> None:
    names = [each.name for each in prepared_edits({})]
    assert {"Write a docstring", "Write a test", "Fix this error"} <= set(names)
    theirs = prepared_edits({"Simplify": " Make it shorter. ", "Write a test": "Use unittest."})
    assert [each.name for each in theirs] == [
        *(name for name in names if name != "Write a test"), "Simplify", "Write a test"
    ]  # fmt: skip
    assert theirs[-2].instruction == "Make it shorter."
    assert [each.name for each in prepared_edits({" ": "x", "y": " "})] == names
