"""When answers come in a replay: tables, and files of them."""

import json
from pathlib import Path

import pytest

from tui.assist.latency import ASSUMED, Latency, read_latency

TABLE = {"model": "tiny", "first_text_ms": 20.5, "latency_ms": [[8, 50], [64, 200.5]]}


def test_an_answer_takes_the_time_of_the_first_row_that_holds_it() -> None:
    latency = Latency("tiny", 20, ((8, 50), (64, 200)))
    assert [latency.answer_ms(tokens) for tokens in (0, 8, 9, 64, 65)] == [50, 50, 200, 200, 200]


def test_a_file_is_read_back(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(TABLE))
    latency = read_latency(path)
    assert latency == Latency("tiny", 20.5, ((8, 50.0), (64, 200.5)))
    assert json.loads(json.dumps(latency.described())) == TABLE
    path.write_text(json.dumps(ASSUMED.described()))
    assert read_latency(path) == ASSUMED


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"latency_ms": []}, "one row at least"),
        ({"first_text_ms": -1}, "one row at least"),
        ({"latency_ms": [[8, 50], [8, 60]]}, "8 tokens in 60.0 ms after 8"),
        ({"latency_ms": [[8, 50], [16, 40]]}, "16 tokens in 40.0 ms after 8"),
        ({"latency_ms": [[8, 10]]}, "none is before the first text"),
        ({"latency_ms": 3}, "Expected `array`"),
    ],
)
def test_what_is_no_table_is_refused(tmp_path: Path, change: dict[str, object], says: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(json.dumps(TABLE | change))
    with pytest.raises(ValueError, match=says):
        read_latency(path)
