"""`spark-tui peers`: the JSON that is relied on from outside, and the table."""

import pytest

import engine
from engine.protocol.peers import PeerComparison, PeerFigures

WAFER = PeerFigures("wafer wse3", "emulated", 2000.0, 0, 657, 1.1, "cycles", "formulas")
HERE = PeerFigures("this computer", "measured", None, 395_000_000, 121, None, "measured", "timed")
CHIP = PeerFigures("A\x1b chip", "published", 8000.0, 395_000_000, 121, 0.08, "memory", "datasheet")


@pytest.fixture
def asked(monkeypatch):
    calls = []

    def compare(*arguments, **options):
        calls.append((arguments, options))
        return PeerComparison(
            "m", "wse3", 0.85, 256, 392_000_000, 3_000_000, 505, [WAFER, HERE, CHIP]
        )

    monkeypatch.setitem(vars(engine), "compare_peers", compare)
    return calls


def test_json_has_the_fields_of_the_interface(spark, asked):
    found = spark("peers", "--json", "--clock", "0.9", "--no-measure").json
    assert set(found["peers"][0]) >= {
        "name", "tokens_per_second", "off_chip_bytes_per_token", "synchronisations_per_token",
        "joules_per_token", "source",
    }  # fmt: skip
    assert asked[0][0][1:] == ("wse3", 0.9)
    assert asked[0][1]["measure"] is False


def test_the_table_marks_what_a_roofline_bounds_and_what_is_unknown(spark, asked, monkeypatch):
    monkeypatch.setenv("COLUMNS", "160")
    out = spark("peers").out
    wafer, here, chip = (line for line in out.splitlines() if line.startswith("│"))
    assert "≤ 8 000" in chip
    assert "≤" not in wafer
    assert here.count("–") == 2
    assert "\x1b" not in out


def test_a_peer_that_cannot_be_read_is_one_line(spark, tmp_path):
    outcome = spark("peers", "--peer", tmp_path / "none.toml")
    assert outcome.code == 2
    assert "none.toml cannot be read" in outcome.line
