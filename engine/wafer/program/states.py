"""The six states of a core, which sum to the elapsed cycles.  Constants only."""

__all__ = ["BUSY_STATES", "STATES", "Busy", "State"]

STATES = ("mac", "vector", "comm", "stall_wavelet", "stall_pipe", "idle")
"""The state list: multiply–accumulate, other vector work, send/receive, stalled on a wavelet,
stalled on the pipe, idle.  Everywhere in this order; per core they sum to the elapsed cycles."""

BUSY_STATES = 4
"""States that an instruction books: mac, vector, comm, pipe.  Waiting is what is left of the time
between a core's first wavelet and its last instruction, idle what is left of the elapsed time."""


class State:
    """Positions of the states in an array of all six."""

    MAC = 0
    VECTOR = 1
    COMM = 2
    STALL_WAVELET = 3
    STALL_PIPE = 4
    IDLE = 5


class Busy:
    """Positions of the booked states in an array of booked cycles."""

    MAC = 0
    VECTOR = 1
    COMM = 2
    PIPE = 3
