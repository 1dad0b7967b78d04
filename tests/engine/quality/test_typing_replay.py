from itertools import pairwise
from pathlib import Path

import pytest

from engine.quality.bench import QualityBench
from engine.quality.corpus import Corpus, SourceFile
from engine.quality.python_source import MAX_CHARACTERS
from engine.quality.typing_replay import MIN_LINES, Stretch, Typed, draw_stretches, summary


def test_stretches_are_whole_lines_behind_their_indentation(data: Path) -> None:
    stretches = draw_stretches(QualityBench(data).corpus, 40, 0)
    assert [stretch.inside for stretch in stretches].count(True) == 2
    assert len(stretches) == 4
    for stretch in stretches:
        assert len([line for line in stretch.target.split("\n") if line.strip()]) == 10
        assert not stretch.target[0].isspace()
        assert not stretch.above.rpartition("\n")[2].strip()
        whole = stretch.above + stretch.target
        if stretch.inside:
            assert whole + stretch.below == stretch.file.text
            assert stretch.below.startswith("\n")
        else:
            assert stretch.file.text.startswith(whole)
            assert stretch.below == ""


def drawn(text: str, lines: int = 100, seed: int = 0) -> list[Stretch]:
    files = (SourceFile(Path("/data/a"), "x.py", text), SourceFile(Path("/data/a"), "y.py", "("))
    return draw_stretches(Corpus(files, {}), lines, seed)


def test_stretches_of_one_file_share_no_line() -> None:
    stretches = drawn("\n".join(f"value_{i} = compute({i})" for i in range(45)))
    assert len(stretches) > 3
    for before, after in pairwise(stretches):
        assert before.end < after.start


def test_a_stretch_at_the_end_of_a_file_may_be_short_but_not_too_short() -> None:
    lines = [f"value_{i} = compute({i})" for i in range(5)]
    assert [stretch.target for stretch in drawn("\n".join(lines))] == ["\n".join(lines)]
    assert len(drawn("\n".join(lines[:MIN_LINES]))) == 1
    assert drawn("\n".join(lines[: MIN_LINES - 1])) == []


def test_nobody_types_a_table() -> None:
    lines = [f"value_{i} = compute({i})" for i in range(9)]
    assert drawn("\n".join([*lines, "x" * (MAX_CHARACTERS + 1)])) == []
    assert len(drawn("\n".join([*lines, "x" * MAX_CHARACTERS]))) == 1


def test_the_first_stretch_is_inside_its_file_and_the_second_at_its_end() -> None:
    text = "\n".join(f"value_{i} = compute({i})" for i in range(99))
    assert [stretch.inside for stretch in drawn(text, 1)] == [True]
    assert sorted(stretch.inside for stretch in drawn(text, 11)) == [False, True]


def test_stretches_are_those_of_the_seed() -> None:
    text = "\n".join(f"value_{i} = compute({i})" for i in range(99))
    starts = [[stretch.start for stretch in drawn(text, 20, seed)] for seed in (0, 0, 1)]
    assert starts[0] == starts[1] != starts[2]
    assert starts[0] != [0, len("\n".join(text.split("\n")[:10])) + 1]


def test_enough_lines_are_enough() -> None:
    text = "\n".join(f"value_{i} = compute({i})\n" for i in range(99))
    assert [len(drawn(text, lines)) for lines in (1, 10, 11, 25)] == [1, 1, 2, 3]


def test_the_figures_of_nothing_are_none() -> None:
    figures = summary([], 0)
    assert (figures["n"], figures["exact_match"], figures["keystrokes_saved"]) == (0, None, None)
    assert figures["wrong_shown_per_100_keys"] is None


def test_the_sums_of_the_replay_by_hand() -> None:
    one = Typed(keys=60, characters=100, shown=5, accepted=3, wrong=1)
    one.lines = [("a = 1", "a = 1"), ("", "b = 2")]
    one.endings["line_right"] = 2
    two = Typed(keys=90, characters=100, shown=4, accepted=1, wrong=2)
    two.lines = [("x", "y")]
    two.endings["line_right"] = 1
    figures = summary([one, two], 0)
    assert figures["keystrokes_saved"] == pytest.approx(1 - 150 / 200)
    assert figures["keystrokes_saved_ci"] == [pytest.approx(0.1), pytest.approx(0.4)]
    assert figures["wrong_shown_per_100_keys"] == pytest.approx(100 * 3 / 150)
    assert (figures["shown"], figures["accepted"], figures["n"]) == (9, 4, 3)
    assert figures["exact_match"] == pytest.approx(1 / 3)
    assert figures["endings"] == {"line_right": 3}
