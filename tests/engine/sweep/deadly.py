"""Tasks that other processes do: some of them die of it."""

import os
import signal
from pathlib import Path


def double(number):
    return 2 * number


def dies_once(task):
    """Kill the own process the first time that a task with a note is done."""
    number, note = task
    if note and not Path(note).exists():
        Path(note).write_text("died")
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def dies_always(number):
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number
