"""Makes the command line fail with one clear line on stderr and an exit code, never a traceback.

Exit codes: 0 done, 1 failed, 2 the call or its input place is wrong, 130 interrupted.
"""

import errno
import logging
import os
import sys
from collections.abc import Callable
from typing import TextIO

import click

from engine import paths
from engine.errors import (
    EngineError,
    FabricProgramError,
    MachineError,
    PromptError,
    TaskFileError,
)
from tui.cli.output import tell

__all__ = ["FAILED", "INTERRUPTED", "WRONG_CALL", "WrongCallError", "guarded"]

FAILED = 1
WRONG_CALL = 2
INTERRUPTED = 130
"""The exit code that shells report for a process that Ctrl+C ended."""

_LONGEST_LINE = 2000
"""Characters."""

_WRONG_INPUT = (FabricProgramError, MachineError, PromptError, TaskFileError)

_log = logging.getLogger(__name__)


class WrongCallError(click.UsageError):
    """The call asks for what does not exist or makes no sense; the message says what does."""


def guarded(call: Callable[[], object]) -> int:
    """Return the exit code of ``call``; an error becomes one line on stderr.

    An integer that ``call`` returns is its exit code; anything else counts as 0.
    """
    try:
        _check_stdout()
        result = call()
        if not sys.stdout.closed:  # as a language server's is, once its editor has gone
            sys.stdout.flush()
    except click.exceptions.Exit as end:
        return end.exit_code
    except (KeyboardInterrupt, click.Abort):
        return INTERRUPTED
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return WRONG_CALL
    except click.ClickException as error:
        _say(error.format_message())
        return error.exit_code
    except EngineError as error:
        _log.error("%s: %s", type(error).__name__, error)
        _say(str(error))
        return WRONG_CALL if isinstance(error, _WRONG_INPUT) else FAILED
    except BrokenPipeError:
        # The reader (`| head`) has gone: end quietly, and let nothing be flushed into the pipe.
        _silence_stdout()
        return FAILED
    except Exception as error:
        _log.exception("unexpected")
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            _silence_stdout()
            where = f" to {error.filename}" if error.filename else ""
            _say(f"writing{where} failed: {error.strerror}; free some space")
            return FAILED
        what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        _say(f"failed unexpectedly ({what}); the details are in {paths.log_file()}")
        return FAILED
    return result if isinstance(result, int) else 0


def _check_stdout() -> None:
    standard_output: TextIO | None = sys.stdout  # None where the caller closed it
    if standard_output is None:
        raise WrongCallError("standard output is closed; redirect it to /dev/null instead")


def _silence_stdout() -> None:
    """Let what is still buffered go nowhere when the process ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _say(message: str) -> None:
    """Write ``message`` to stderr as one line, which what it quotes cannot make endless."""
    line = " ".join(message.split())
    tell(f"spark-tui: {line if len(line) <= _LONGEST_LINE else line[:_LONGEST_LINE] + '…'}")
