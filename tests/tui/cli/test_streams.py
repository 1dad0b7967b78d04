"""The standard streams in every state that a caller may leave them in."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

SPEAK = """
import os, sys
from tui.cli.streams import settle
settle()
print("words", "\\u2026 \\udcff", file=sys.stderr)
print(f"number {os.open(os.devnull, os.O_RDONLY) > 2} \\u2026 \\udcff")
"""


def spoken(code: str, redirection: str, encoding: str = "utf-8") -> tuple[int, bytes, bytes]:
    """Run some code with streams as a shell redirects them; return its status and what it said."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -c "$1" {redirection}', sys.executable, code],
        cwd=ROOT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("redirection", ["2>&-", "<&- 2>&-", "2>/dev/full"])
def test_a_stderr_that_takes_nothing_costs_no_word_on_stdout(redirection: str) -> None:
    assert spoken(SPEAK, redirection) == (0, "number True … ?\n".encode(), b"")


def test_a_file_that_is_opened_is_never_a_standard_stream() -> None:
    assert spoken(SPEAK, "<&- 2>&-")[1].startswith(b"number True")


@pytest.mark.parametrize("encoding", ["latin-1", "ascii", "cp437"])
def test_what_an_encoding_lacks_is_a_question_mark(encoding: str) -> None:
    status, out, err = spoken(SPEAK, "", encoding)
    assert (status, out, err) == (0, b"number True ? ?\n", b"words \\u2026 \\udcff\n")


def test_what_the_app_draws_with_keeps_its_width() -> None:
    code = (
        "import sys; from tui.cli.streams import settle; settle()\n"
        "print('\\u2502text\\u2502', file=sys.__stderr__)"
    )
    assert spoken(code, "", "latin-1")[2] == b"?text?\n"


def test_what_the_caller_wants_of_what_is_lacking_stays() -> None:
    assert spoken(SPEAK, "", "ascii:xmlcharrefreplace")[1] == b"number True &#8230; &#56575;\n"


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_the_whole_program_speaks_in_any_encoding(encoding: str) -> None:
    code = "import sys; sys.argv[1:] = ['--help']; from tui.__main__ import main; main()"
    status, out, err = spoken(code, "", encoding)
    assert (status, err) == (0, b"")
    assert b"COMMAND [ARGS]" in out
