from engine.completion.prompts.recent_choice import best_first
from engine.repository.other_files import FileChunk

MONEY = FileChunk("money.py", "def rounded(amount, places):\n    return amount\n")
CLOCK = FileChunk("clock.py", "def now_utc():\n    return clock()\n")
USER = FileChunk("user.py", "class User:\n    name = ''\n    amount = 0\n")


def test_shared_names_come_first_and_rare_ones_count_more() -> None:
    assert best_first([CLOCK, USER, MONEY], "total = rounded(amount", "") == [MONEY, USER, CLOCK]
    assert best_first([MONEY, USER, CLOCK], "x = 1\n", "\nnow_utc()")[0] == CLOCK


def test_among_equals_the_part_seen_last_comes_first() -> None:
    assert best_first([CLOCK, USER, MONEY], "x = 1\n", "") == [CLOCK, USER, MONEY]
    assert best_first([MONEY, USER, CLOCK], "x = 1\n", "") == [MONEY, USER, CLOCK]


def test_what_stands_around_the_cursor_already_is_left_out() -> None:
    assert best_first([MONEY, CLOCK], f"{MONEY.text}\n", "") == [CLOCK]
    assert best_first([FileChunk("a.py", "\n")], "x", "") == []


def test_a_name_far_from_the_cursor_does_not_count() -> None:
    far = "rounded(amount, places)\n" + "x = 1\n" * 400
    assert best_first([CLOCK, MONEY], far, "") == [CLOCK, MONEY]
