"""`spark-tui wafer run`: a program of one's own, for a person and as JSON."""

from collections.abc import Callable
from pathlib import Path

import engine
from tests.tui.cli.conftest import Outcome

STENCIL = Path(engine.__file__).parent / "wafer" / "programs" / "stencil-wse2.toml"


def test_json_has_cycles_lines_and_the_vectors_asked_for(spark: Callable[..., Outcome]) -> None:
    outcome = spark("wafer", "run", STENCIL, "--iterations", 16, "--show", "a", "--json")
    assert outcome.code == 0, outcome.err
    found = outcome.json
    assert (found["machine"], found["iterations"]) == ("wse2", 16)
    assert found["cycles_per_iteration"] == 14.5
    wavelets = found["wavelets"]
    assert wavelets["sent"] + wavelets["copied"] == wavelets["taken"] + 32  # the border's first
    assert sum(found["cycles_by_state"].values()) == found["cycles"] * 100
    assert found["memory"]["a"][0][3] == [3.0]
    texts = STENCIL.read_text().splitlines()
    assert all(each["text"] in texts[each["line"] - 1] for each in found["lines"])


def test_a_person_reads_the_lines_with_their_cycles(spark: Callable[..., Outcome]) -> None:
    said = spark("wafer", "run", STENCIL, "--machine", "wse3", "--show", "a").out
    for words in ("cycles_per_iteration", "fmuls >own, a, 0.16666667", "stall_wavelet", "(9, 9)"):
        assert words in said


def test_what_is_no_program_is_refused_in_a_line(
    spark: Callable[..., Outcome], tmp_path: Path
) -> None:
    file = tmp_path / "p.toml"
    file.write_text("columns = 1\nrows = 1\n[[code]]\ndo = 'fly'\n")
    outcome = spark("wafer", "run", file)
    assert outcome.code == 2
    assert "line 4: there is no operation 'fly'" in outcome.err
    assert spark("wafer", "run", STENCIL, "--show", "b").code == 2
