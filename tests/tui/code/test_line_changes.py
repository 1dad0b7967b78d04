"""What differs between two texts: changes, signs of the margin, rows of a diff."""

from hypothesis import given
from hypothesis import strategies as st

from tui.code import line_changes
from tui.code.line_changes import LineChange, change_marks, change_rows, changes_of

LINES = st.lists(st.sampled_from("abc"), max_size=12)


@given(LINES, LINES)
def test_hunks_turn_the_old_text_into_the_new(old: list[str], new: list[str]) -> None:
    built, at = [], 0
    for hunk in changes_of(old, new):
        built += old[at : hunk.old_start] + new[hunk.start : hunk.end]
        at = hunk.old_end
    assert built + old[at:] == new


def test_very_different_texts_are_one_hunk(monkeypatch) -> None:
    monkeypatch.setattr(line_changes, "_MOST_COMPARED", 3)
    assert changes_of(list("xaby"), list("xbay")) == [LineChange(1, 3, 1, 3)]


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
