import pytest

from tui.format import (
    bytes_text,
    clock_text,
    count_text,
    file_size_text,
    milliseconds_text,
    percent_text,
    rate_text,
    short_count_text,
    unread_text,
)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (999.4, "999"),
        (999.6, "1.00k"),
        (12345, "12.3k"),
        (4.56e6, "4.56M"),
        (2e12, "2.00T"),
    ],
)
def test_short_counts_keep_three_digits(value: float, text: str) -> None:
    assert short_count_text(value) == text


@pytest.mark.parametrize(
    ("left_out", "text"),
    [
        (0, ""),
        (70_100, "70 100 files farther away are not read: there are too many"),
        (None, "files farther away are not read: there are too many"),
    ],
)
def test_files_that_are_not_read_are_counted(left_out: int | None, text: str) -> None:
    assert unread_text(left_out) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0, "0 B"), (1023, "1023 B"), (1024, "1.00 KB"), (42872, "41.9 KB")]
)
def test_bytes_are_binary(value: int, text: str) -> None:
    assert bytes_text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (491_400_064, "491 MB"),
        (1_117_320_768, "1.12 GB"),
        (6_500_000, "6.5 MB"),
        (999_700_000, "1.00 GB"),
    ],
)
def test_sizes_of_files_are_decimal(value: int, text: str) -> None:
    assert file_size_text(value) == text


def test_other_numbers() -> None:
    assert count_text(68900.4) == "68 900"
    assert rate_text(9.96) == "10.0"
    assert rate_text(12064) == "12 064"
    assert milliseconds_text(8.2) == "8 ms"
    assert milliseconds_text(1300) == "1.3 s"
    assert clock_text(0.85) == "0.85 GHz"


def test_small_shares_do_not_become_nothing_and_large_ones_not_everything() -> None:
    assert percent_text(0.0) == "0.0%"
    assert percent_text(0.0004) == "<0.1%"
    assert percent_text(0.8541) == "85.4%"
    assert percent_text(1.0) == "100%"


@pytest.mark.parametrize(
    "function",
    [bytes_text, count_text, milliseconds_text, percent_text, rate_text, short_count_text],
)
def test_what_was_not_measured_is_a_dash(function) -> None:  # type: ignore[no-untyped-def]
    assert function(None) == "–"
