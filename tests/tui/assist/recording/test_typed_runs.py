"""What a person wrote in a session, place by place."""

from tui.assist.recording.events import FileSeen, PlaceSeen, TextChanged
from tui.assist.recording.typed_runs import TypedRun, typed_runs

FILE = "def f():\n\n\ndef g():\n    pass\n"
BODY = "    return compute_all(values)"


def typing(text: str, row: int, column: int, cause: str = "typed") -> list[TextChanged]:
    """Type a text without line breaks key by key."""
    return [
        TextChanged(0, (row, column + at), (row, column + at), sign, cause, (row, column + at + 1))
        for at, sign in enumerate(text)
    ]


def run_of(events) -> str:
    (run,) = typed_runs([FileSeen(0, "a.py", FILE), *events])
    return run.text[run.start : run.end]


def test_keys_at_one_place_are_one_run():
    runs = typed_runs([FileSeen(0, "a.py", FILE), *typing(BODY, 1, 0)])
    text = FILE.replace("\n\n\n", f"\n{BODY}\n\n", 1)
    start = text.index("return")
    assert runs == [TypedRun("a.py", text, start, start + len(BODY.strip()))]


def test_what_was_taken_back_is_left_out():
    wrong = typing("    retrun", 1, 0)
    back = TextChanged(0, (1, 7), (1, 10), "", "typed", (1, 7))
    assert run_of([*wrong, back, *typing("urn compute_all(values)", 1, 7)]) == BODY.strip()


def test_accepted_text_belongs_to_the_run():
    accepted = TextChanged(
        0, (1, 10), (1, 10), " compute_all(values)\n    # end", "accepted", (2, 9)
    )
    assert run_of([*typing("    return", 1, 0), accepted]) == f"{BODY.strip()}\n    # end"


def test_going_elsewhere_ends_a_run():
    events = [*typing(BODY, 1, 0), PlaceSeen(0, (5, 0), (5, 0)), *typing(BODY, 5, 0)]
    runs = typed_runs([FileSeen(0, "a.py", FILE), *events])
    assert [run.text[run.start : run.end] for run in runs] == [BODY.strip()] * 2
    assert runs[0].text.count("compute_all") == 1


def test_corrections_and_what_was_pasted_are_no_runs():
    pasted = TextChanged(0, (1, 0), (1, 0), BODY, "typed", (1, len(BODY)))
    assert typed_runs([FileSeen(0, "a.py", FILE), pasted, *typing("x = 1", 5, 0)]) == []


def test_a_file_that_comes_back_has_the_text_it_was_left_with():
    events = [
        FileSeen(0, "a.py", FILE),
        *typing(BODY, 1, 0),
        FileSeen(1, "b.py", ""),
        FileSeen(2, None),
        *typing("never told" * 3, 0, 0),
        FileSeen(3, "a.py", None),
        *typing(BODY, 5, 0),
    ]
    runs = typed_runs(events)
    assert [run.path for run in runs] == ["a.py", "a.py"]
    assert runs[1].text.count("compute_all") == 2


def test_a_file_of_which_nothing_is_known_is_left_alone():
    assert typed_runs([FileSeen(0, "a.py", None), *typing(BODY, 1, 0)]) == []
