"""The X-ray's text: figures as they were sent, places for the mouse, no hostile sign, contrast."""

import pytest
from msgspec.structs import replace

from tests.tui.visuals.inks import INKS, widths
from tui.demo_engine import demo_xray
from tui.visuals.xray_text import XrayView, matrix_token, strip_token, xray_text

XRAY = demo_xray()


def drawn(view: XrayView, width: int = 60, height: int = 26) -> list[str]:
    text, _ = xray_text(view, width, height, INKS)
    assert max(widths(text)) <= width
    return text.plain.split("\n")


def test_the_figures_are_those_of_the_tokens_step() -> None:
    lines = drawn(XrayView(XRAY, token=3))
    step = XRAY.steps[1]
    assert lines[0].startswith("token 4 of 11  “ len”  76.0%")
    assert lines[1] == "else “raise” 4.0% · “self” 2.0% · “None” 1.0%"
    matrix = {line.split()[0]: line for line in lines[3:8]}
    assert list(matrix) == ["matmul", "attention", "norm", "multicast", "add"]
    assert matrix["matmul"].split()[-2:] == ["26.4k", "47.4%"]
    assert "wafer  55 660 cycles, 65.5 µs" in lines
    assert sum(step.cycles_by_operation.values()) == 55_660
    assert "cores  69.0% idle, 25.0% wait for words, 6.0% work" in lines
    assert "energy 22.4 mJ likely, 179 µJ to 2.02 J" in lines
    assert "host   14 ms measured, reads 12.8 MB" in lines


def test_guessed_tokens_share_their_step() -> None:
    lines = drawn(XrayView(XRAY, token=1))
    assert "wafer  55 600 cycles, 18 533 a token, 65.4 µs" in lines
    assert "step   1 token and 2 guessed, 2 right, at 40" in lines


def test_a_column_is_as_high_as_its_tokens_cycles() -> None:
    """The three that share a step are a third as high as those that have one each."""
    row = next(line for line in drawn(XrayView(XRAY)) if line.startswith("matmul"))
    assert row[10:43].split() == ["▃▃"] * 3 + ["██"] * 8


@pytest.mark.parametrize("width", [34, 60, 120])
def test_the_mouse_finds_what_is_drawn(width: int) -> None:
    for token in range(len(XRAY.tokens)):
        view = XrayView(XRAY, token=token)
        _, rows = xray_text(view, width, 26, INKS)
        lines = drawn(view, width)
        found = {strip_token(XRAY, token, width, cell) for cell in range(len(lines[rows.strip]))}
        assert token in found
        columns = {matrix_token(XRAY, token, width, cell) for cell in range(width)} - {None}
        assert token in columns
        assert lines[rows.matrix[0]].startswith("matmul")


def test_a_long_strip_shows_the_token_that_is_looked_at() -> None:
    many = replace(XRAY, tokens=XRAY.tokens[:10] * 30)
    for token in (0, 150, 299):
        assert token in {strip_token(many, token, 40, cell) for cell in range(40)}
        assert token in {matrix_token(many, token, 40, cell) for cell in range(40)}


def test_a_token_cannot_steer_the_terminal() -> None:
    tokens = [replace(XRAY.tokens[0], text="\x1b]0;x\n", others=[("\x9b2J", 0.1)])]
    text, _ = xray_text(XrayView(replace(XRAY, tokens=tokens)), 60, 26, INKS)
    assert all(character.isprintable() or character == "\n" for character in text.plain)
    assert "“␛]0;x␊”" in text.plain


def test_the_scrubber_says_where_the_row_is_and_what_the_figures_come_from() -> None:
    view = XrayView(
        XRAY, token=3, cycle=30_000, wave_cycles=55_660, doing="matmul", source="formulas",
        pace="▶ ×1",
    )  # fmt: skip
    lines = drawn(view)
    assert "30 000/55 660 ▶ ×1 by formulas  matmul  layer 3" in lines
    _, rows = xray_text(view, 60, 26, INKS)
    assert lines[rows.scrubber].index("◆") == 30_000 * 60 // 55_660


def test_a_small_pane_keeps_the_first_lines() -> None:
    assert len(drawn(XrayView(XRAY), 34, 8)) == 8
    assert drawn(XrayView(note="gone")) == ["gone"]


def test_a_piece_of_the_prompt_does_not_decide_the_order_of_operations() -> None:
    xray = demo_xray()
    prompt = replace(
        xray.steps[0], decode=False, cycles_by_operation={"multicast": 10**9, "matmul": 1}
    )
    text, _ = xray_text(XrayView(replace(xray, steps=[prompt, *xray.steps[1:]]), 4), 90, 40, INKS)
    rows = [line.split()[0] for line in text.plain.splitlines() if line]
    assert rows.index("matmul") < rows.index("multicast")
