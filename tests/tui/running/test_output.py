"""What a program said: lines, their limits, the places they name, the last traceback."""

from pathlib import Path

import pytest

from tui.running import output
from tui.running.output import Output, place_said

SAID = """\
before
Traceback (most recent call last):
  File "/r/a.py", line 3, in <module>
    f()
ValueError: wrong
between
Traceback (most recent call last):
  File "/r/b.py", line 1, in <module>
KeyError: 'x'
after
"""


def test_lines_come_in_pieces() -> None:
    said = Output()
    for piece in ("a", "b\nc", "\r\n", "10%\r20%\n", "\x1b[31mred\x1b[0m\n", "rest"):
        said.feed(piece)
    assert said.lines == ["ab", "c", "20%", "red"]
    said.end("done")
    assert said.lines[-2:] == ["rest", "done"]


def test_very_much_output_loses_its_middle(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MAX_LINES", 6)
    monkeypatch.setattr(output, "_HEAD_LINES", 2)
    said = Output()
    said.feed("".join(f"{n}\n" for n in range(20)))
    assert said.lines == ["0", "1", "16", "17", "18", "19"]
    assert said.left_out == 14
    said.feed("x" * 10_000 + "\n")
    assert len(said.lines[-1]) == output.MAX_LINE


def test_very_many_lines_at_once_leave_out_the_middle() -> None:
    said = Output()
    said.feed("".join(f"{number}\n" for number in range(60_000)))
    assert (len(said.lines), said.left_out) == (output.MAX_LINES, 55_000)
    assert (said.lines[0], said.lines[-1]) == ("0", "59999")
    assert said.lines[499:501] == ["499", "55500"]


def test_of_a_file_that_cannot_be_parsed_the_error_is_a_traceback() -> None:
    said = Output()
    rows = [
        '  File "/a/tool.py", line 2',
        "    x = (",
        "        ^",
        "SyntaxError: '(' was never closed",
    ]
    said.feed("\n".join(["hello", *rows, "more", '  File "x", line 1', "no error"]) + "\n")
    assert said.traceback().split("\n") == rows


def test_the_last_traceback() -> None:
    said = Output()
    said.feed(SAID)
    assert said.traceback().split("\n") == [
        "Traceback (most recent call last):",
        '  File "/r/b.py", line 1, in <module>',
        "KeyError: 'x'",
    ]
    assert Output().traceback() == ""


@pytest.mark.parametrize(
    ("line", "place"),
    [
        ('  File "a.py", line 7, in f', (7, 1)),
        ("a.py:7:3: error: wrong", (7, 3)),
        ("    at run (a.py:7)", (7, 1)),
        ("nosuch.py:7:3: error", None),
        ("12:30:05 said a.py", None),
        ('File "\0.py", line 1', None),
    ],
)
def test_a_line_names_a_place(tmp_path: Path, line: str, place: tuple[int, int] | None) -> None:
    (tmp_path / "a.py").write_text("")
    found = place_said(line, tmp_path)
    assert (found and (found.line, found.column)) == place
    assert found is None or found.path == tmp_path / "a.py"
