import pytest

from engine.protocol.messages import Progress
from tui.cli.progress import ProgressLine


def test_a_short_wait_is_silent_and_a_long_one_says_each_step_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    now = [10.0]
    with ProgressLine(lambda: now[0]) as line:
        line.show(Progress("model", 0, 1, "reading the model"))
        now[0] += 0.9
        line.show(Progress("kernels", 0, 2, "compiling matmul"))
        assert capsys.readouterr().err == ""
        now[0] += 0.2
        for _ in range(2):
            line.show(Progress("kernels", 1, 2, "compiling attention"))
    assert capsys.readouterr().err == "compiling attention (1/2)\n"


def test_on_a_terminal_one_line_is_written_over_and_wiped(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    now = iter([0.0, 5.0, 6.0])
    with ProgressLine(lambda: next(now)) as line:
        line.show(Progress("kernels", 0, 2, "a"))
        line.show(Progress("kernels", 1, 2, "b"))
    written = capsys.readouterr().err
    assert "\n" not in written
    assert written.endswith("\x1b[2K")
