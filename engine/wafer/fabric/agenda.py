"""Agenda: who has something to do, and when; and the queues of wavelets.

Only channels and cores with something to do are visited; a core at work sleeps until it is done,
one without its wavelet until that comes, a channel without room until room is made.  A list of
who is visited in the next cycle grows while the present one runs; cores that sleep longer lie on a
wheel of `BUCKETS` slots.  Compiled; every function becomes part of the simulator's loop.
"""

from engine.wafer.fabric.state import (
    ASLEEP,
    BEHIND,
    BUCKET,
    BUCKETS,
    CAPACITY,
    CONTROL_BITS,
    COUNT,
    FEEDER,
    FEEDERS,
    FINISHED,
    HEAD,
    LATENCY,
    LATER,
    LISTED,
    LIVE,
    MASK,
    MODE,
    NEXT,
    NOW,
    POLLING,
    POPPED,
    RECEIVER,
    SENDER,
    SLOTS,
    WAKE_AT,
    WANTED,
    Totals,
)
from engine.wafer.jit.decorators import inlined

__all__ = [
    "come_back", "enlist", "full", "gather", "note_active", "pop", "push", "skip", "sleep",
    "take_turn", "turn_round",
]  # fmt: skip

_ACTIVE = Totals.ACTIVE


@inlined
def enlist(q, agenda, size, channel):
    """Let a channel be visited in the next cycle; it must not be listed yet."""
    agenda[LATER, size[LATER]] = channel
    size[LATER] += 1
    q[channel, LISTED] = 1


@inlined
def come_back(agenda, size, core):
    """Let a core be visited in the next cycle."""
    agenda[NEXT, size[NEXT]] = core
    size[NEXT] += 1


@inlined
def sleep(agenda, clock, core, until):
    """Let a core be visited in cycle ``until``."""
    agenda[WAKE_AT, core] = until
    agenda[BEHIND, core] = agenda[BUCKET, until & (BUCKETS - 1)]
    agenda[BUCKET, until & (BUCKETS - 1)] = core
    clock[ASLEEP] += 1


@inlined
def full(q, channel, cycle):
    """Whether a channel had no room as the cycle began."""
    left = 1 if q[channel, POPPED] == cycle else 0
    return q[channel, COUNT] + left >= q[channel, CAPACITY]


@inlined
def push(q, agenda, size, clock, channel, value, control, cycle):
    """Put a wavelet into a channel and see that somebody moves it on."""
    slot = SLOTS + 2 * ((q[channel, HEAD] + q[channel, COUNT]) & q[channel, MASK])
    ready = cycle + q[channel, LATENCY]
    q[channel, slot] = value
    q[channel, slot + 1] = (ready << CONTROL_BITS) + control
    q[channel, COUNT] += 1
    if q[channel, LISTED] == 0:
        if q[channel, RECEIVER] < 0:
            enlist(q, agenda, size, channel)
        else:
            q[channel, LISTED] = 1
            sleep(agenda, clock, q[channel, RECEIVER], ready)


@inlined
def pop(q, agenda, size, feeders, channel, cycle):
    """Take a channel's first wavelet out and wake who waits for room."""
    q[channel, HEAD] = (q[channel, HEAD] + 1) & q[channel, MASK]
    q[channel, COUNT] -= 1
    q[channel, POPPED] = cycle
    if q[channel, WANTED] != 0:
        q[channel, WANTED] = 0
        _wake(q, agenda, size, feeders, channel)


@inlined
def _wake(q, agenda, size, feeders, channel):
    """Wake those who feed a channel: its core, or other channels with a wavelet."""
    if q[channel, SENDER] >= 0:
        come_back(agenda, size, q[channel, SENDER])
    for k in range(q[channel, FEEDER], q[channel, FEEDER] + q[channel, FEEDERS]):
        feeder = feeders[k]
        if q[feeder, LISTED] == 0 and q[feeder, COUNT] > 0:
            enlist(q, agenda, size, feeder)


@inlined
def note_active(active_at, totals, router, cycle):
    """Count a tile that does something, once a cycle."""
    if active_at[router] != cycle:
        active_at[router] = cycle
        totals[_ACTIVE] += 1


@inlined
def gather(f):
    """List everybody who may have something to do; those who must wait find out in this cycle."""
    q, agenda, size = f.queues, f.agenda, f.agenda_size
    size[:] = 0
    agenda[BUCKET, :] = -1
    f.clock[ASLEEP] = 0
    f.clock[POLLING] = 0
    for channel in range(q.shape[0]):
        q[channel, WANTED] = 0
        q[channel, LISTED] = 0
        if q[channel, RECEIVER] >= 0:
            q[channel, LISTED] = 1
        elif q[channel, COUNT] > 0:
            enlist(q, agenda, size, channel)
    for core in range(f.cores.shape[0]):
        if f.cores[core, MODE] != FINISHED:
            come_back(agenda, size, core)


@inlined
def take_turn(agenda, size, clock, cycle):
    """Make the lists of the next cycle those of this one, with the cores that wake."""
    for i in range(size[LATER]):
        agenda[LIVE, i] = agenda[LATER, i]
    size[LIVE] = size[LATER]
    now = size[NEXT]
    for i in range(now):
        agenda[NOW, i] = agenda[NEXT, i]
    size[LATER] = 0
    size[NEXT] = 0
    clock[POLLING] = 0
    core = agenda[BUCKET, cycle & (BUCKETS - 1)]
    agenda[BUCKET, cycle & (BUCKETS - 1)] = -1
    while core >= 0:
        behind = agenda[BEHIND, core]
        if agenda[WAKE_AT, core] == cycle:
            agenda[NOW, now] = core
            now += 1
            clock[ASLEEP] -= 1
        else:  # a later turn of the wheel
            agenda[BEHIND, core] = agenda[BUCKET, cycle & (BUCKETS - 1)]
            agenda[BUCKET, cycle & (BUCKETS - 1)] = core
        core = behind
    size[NOW] = now


@inlined
def skip(agenda, cycle):
    """Return the first cycle from ``cycle`` on in which somebody wakes; there is somebody."""
    while True:
        core = agenda[BUCKET, cycle & (BUCKETS - 1)]
        while core >= 0:
            if agenda[WAKE_AT, core] == cycle:
                return cycle
            core = agenda[BEHIND, core]
        cycle += 1


@inlined
def turn_round(agenda, row, count):
    """Reverse a list."""
    for i in range(count // 2):
        j = count - 1 - i
        agenda[row, i], agenda[row, j] = agenda[row, j], agenda[row, i]
