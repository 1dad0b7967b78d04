"""What differs between two texts: changes, signs of the margin, rows of a diff."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.code import line_changes
from tui.code.line_changes import LineChange, change_marks, change_rows, changes_of

LINES = st.lists(st.sampled_from("abc"), max_size=12)


@pytest.mark.parametrize("most", [0, 4, 1_000])
@given(old=LINES, new=LINES)
def test_changes_turn_the_old_text_into_the_new(most: int, old: list[str], new: list[str]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(line_changes, "_MOST_COMPARED", most)
        found = changes_of(old, new)
    built, at = [], 0
    for change in found:
        built += old[at : change.old_start] + new[change.start : change.end]
        at = change.old_end
    assert built + old[at:] == new


def test_far_apart_changes_of_a_long_text_are_two() -> None:
    old = [f"line {n}" if n % 3 else "" for n in range(30_000)]
    new = [*old]
    new[100], new[29_000] = "new", "too"
    moved = [*new[:200], *new[210:]]
    assert [(each.start, each.end) for each in changes_of(old, new)] == [
        (100, 101), (29_000, 29_001),
    ]  # fmt: skip
    assert len(changes_of(old, moved)) == 3


def test_without_anything_in_common_all_is_changed() -> None:
    old, new = ["a"] * 700, ["b"] * 700
    assert changes_of(old, new) == [LineChange(0, 700, 0, 700)]


def test_signs_tell_new_changed_and_removed_lines() -> None:
    old, new = ["a", "b", "c", "d", "e"], ["a", "B", "c", "e", "f"]
    signs = change_marks(changes_of(old, new), len(new)).signs
    assert {row: (sign.character, sign.style) for row, sign in signs.items()} == {
        1: ("▎", "changed"), 3: ("▔", "removed"), 4: ("▎", "added"),
    }  # fmt: skip
    assert list(change_marks(changes_of(["a", "b"], ["a"]), 1).signs) == [0]


def test_a_diff_has_a_few_lines_around_each_change() -> None:
    old = [str(n) for n in range(30)]
    new = [*old[:5], "five", *old[6:20], *old[21:]]
    rows = change_rows(old, new, changes_of(old, new))
    assert [(row.kind, row.text) for row in rows] == [
        ("head", "line 6"),
        *(("same", str(n)) for n in (2, 3, 4)),
        ("removed", "5"),
        ("added", "five"),
        *(("same", str(n)) for n in (6, 7, 8)),
        ("head", "line 21"),
        *(("same", str(n)) for n in (17, 18, 19)),
        ("removed", "20"),
        *(("same", str(n)) for n in (21, 22, 23)),
    ]
    assert all(new[row.row] == row.text for row in rows if row.kind in ("same", "added"))


def test_near_changes_share_their_surroundings() -> None:
    old = [str(n) for n in range(12)]
    new = [*old[:4], "four", old[5], "six", *old[7:]]
    kinds = [row.kind for row in change_rows(old, new, changes_of(old, new))]
    assert kinds.count("head") == 1
    assert kinds.count("same") == 3 + 1 + 3
