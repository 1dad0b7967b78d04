"""The stream to a terminal that may be gone, full, or asked to draw what is no text."""

import io
import os
import pty

import pytest

from tui.terminal.terminal_driver import _Output


class Failing(io.StringIO):
    """A stream whose writes fail."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error: Exception | None = error
        self.tried = 0

    def write(self, text: str) -> int:
        self.tried += 1
        if self.error is not None:
            raise self.error
        return super().write(text)


def output(error: Exception) -> tuple[_Output, Failing, list[str]]:
    stream, told = Failing(error), []
    return _Output(stream, lambda: told.append("lost")), stream, told


@pytest.mark.parametrize("error", [OSError(5, "EIO"), BrokenPipeError(), ValueError("closed")])
def test_a_terminal_that_is_gone_is_told_once_and_not_tried_again(error: Exception) -> None:
    out, stream, told = output(error)
    for _ in range(3):
        out.write("x")
        out.flush()
    assert told == ["lost"]
    assert stream.tried == 1


def test_what_is_no_text_is_not_the_end_of_the_terminal() -> None:
    out, stream, told = output(UnicodeEncodeError("utf-8", "\ud800", 0, 1, "no text"))
    out.write("\ud800")
    stream.error = None
    out.write("x")
    assert stream.getvalue() == "x"
    assert told == []


def test_a_terminal_that_another_program_left_without_waiting_waits_again() -> None:
    end, inner = pty.openpty()
    os.set_blocking(inner, False)
    with open(inner, "w") as stream:
        told: list[str] = []
        out = _Output(stream, lambda: told.append("lost"))

        def stuck() -> None:
            raise BlockingIOError

        out._try(stuck)
        assert os.get_blocking(inner)
        out.write("x")
        out.flush()
        assert os.read(end, 9) == b"x"
    assert told == []
    os.close(end)
