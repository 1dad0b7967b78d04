"""The cycle-level simulation: cores, ramps, routers and links, one cycle after the other.

What happens in a cycle depends on the state as the cycle began and on nothing else, so the order
of visits cannot matter (`reverse` visits backwards, for a test of that).  Three things see to it:
a wavelet that arrives may go on in the next cycle at the earliest; a queue's room is counted
without the wavelet that left it in this cycle (`POPPED`); and where several channels share a link,
all ask first, the link chooses, and only then the winners move.  A channel that has its link to
itself moves at once.

Values exist in a core's memory or in a wavelet and nowhere else.  `agenda` knows who has something
to do, `routers` what a router does in a cycle, `cores` what a core does, `compute` on what values.

Rules: a link carries one wavelet a cycle; a hop takes `hop_cycles`, a ramp `ramp_cycles`, a core
one cycle; a queue holds `queue_depth` wavelets beside those under way.  Sources: `program.machine`.
"""

import numpy as np

from engine.wafer.fabric.agenda import gather, skip, take_turn, turn_round
from engine.wafer.fabric.cores import visit_core
from engine.wafer.fabric.routers import move_channels, move_winners
from engine.wafer.fabric.state import (
    ASLEEP,
    CONTROL_BITS,
    COUNTER,
    CYCLE,
    DUE,
    FINISHED,
    FRESH,
    LATER,
    LATEST,
    LINK,
    LIVE,
    MODE,
    MOVED,
    NEXT,
    NOW,
    POLLING,
    POPPED,
    RECEIVER,
    RUNNING,
    SINCE,
    SLOTS,
    Fabric,
    Totals,
    new_fabric,
)
from engine.wafer.jit.decorators import inlined, kernel

__all__ = ["BLOCKED", "DONE", "STOPPED", "Fabric", "Totals", "new_fabric", "simulate"]

DONE, BLOCKED, STOPPED = 0, 1, 2
"""How a simulation ended: all cores finished; nobody can go on; the limit of cycles was met."""

_LAST_INSTRUCTION, _LAST_LANDING = Totals.LAST_INSTRUCTION, Totals.LAST_LANDING
_CONTROLS = (1 << CONTROL_BITS) - 1


def simulate(
    f: Fabric, position: int = 0, rows: int = 1, limit: int = 10**7, reverse: bool = False
) -> tuple[int, int]:
    """Run a step of ``rows`` rows from cycle 0, or go on with one that met its limit.

    Args:
        f: A fabric at rest, or one that `STOPPED`; memories, queues and accounts are written.
        position: KV rows before the step.
        rows: Rows of the step; the same again where a step goes on.
        limit: The last cycle to run.
        reverse: Visit channels and cores in the opposite order; nothing may change.

    Returns:
        (how it ended, cycles): `DONE`, and the cycle in which the last core finished; `BLOCKED`,
        and the cycle since which nothing happened; `STOPPED`, and the cycle it would go on with.

    Raises:
        ValueError: More rows than the fabric has accounts for, or fewer than one.
    """
    if not 1 <= rows <= f.begun.shape[0]:
        raise ValueError(f"a step of {rows} rows; this fabric was made for 1 to {len(f.begun)}")
    # One set of argument types, whatever the caller's: another would be compiled again.
    ended = _run(f, int(position), int(rows), min(int(limit), LATEST), bool(reverse))
    return int(ended[0]), int(ended[1])


@inlined
def _start(f):
    """Set every core to the beginning of its program."""
    f.clock[CYCLE] = 0
    f.clock[RUNNING] = 1
    f.position[:] = 0
    f.active_at[:] = -1
    f.link_turn[:] = -1
    for core in range(f.cores.shape[0]):
        f.cores[core, :] = 0
        f.cores[core, COUNTER] = f.first[core]
        f.cores[core, FRESH] = 1
        f.cores[core, SINCE] = -1
        if f.first[core] == f.first[core + 1]:
            f.cores[core, MODE] = FINISHED
    for channel in range(f.queues.shape[0]):
        f.queues[channel, POPPED] = -1
        for slot in range(SLOTS, f.queues.shape[1], 2):  # what a step left behind may go on
            f.queues[channel, slot + 1] &= _CONTROLS


@inlined
def _settle(f):
    """Write the accounts that are kept by channel and by core.

    Returns:
        (cores that have not finished, cycle in which the last of the others did, cycle since which
        no wavelet was handled and no instruction ended).
    """
    q = f.queues
    for channel in range(q.shape[0]):
        if q[channel, LINK] >= 0:
            f.link_count[q[channel, LINK]] += q[channel, MOVED]
            q[channel, MOVED] = 0
        if q[channel, RECEIVER] < 0:
            f.totals[_LAST_LANDING] = max(f.totals[_LAST_LANDING], q[channel, POPPED])
    unfinished, end = 0, np.int64(0)
    still = f.totals[_LAST_INSTRUCTION]
    for core in range(f.cores.shape[0]):
        still = max(still, np.int64(f.active_at[core]) + 1)
        if f.cores[core, MODE] == FINISHED:
            end = max(end, np.int64(f.cores[core, DUE]))
        else:
            unfinished += 1
    return unfinished, end, still


@kernel
def _run(f, position, rows, limit, reverse):
    """See `simulate`."""
    agenda, size, clock = f.agenda, f.agenda_size, f.clock
    if clock[RUNNING] == 0:
        _start(f)
    cycle = clock[CYCLE]
    gather(f)
    stopped = False
    while size[LATER] + size[NEXT] + clock[ASLEEP] > clock[POLLING]:
        if size[LATER] + size[NEXT] == 0:
            cycle = skip(agenda, cycle)
        if cycle > limit:
            stopped = True
            break
        take_turn(agenda, size, clock, cycle)
        if reverse:
            turn_round(agenda, LIVE, size[LIVE])
            turn_round(agenda, NOW, size[NOW])
        asking = move_channels(f, size[LIVE], cycle)
        move_winners(f, asking, cycle)
        for i in range(size[NOW]):
            visit_core(f, agenda[NOW, i], cycle, position, rows)
        cycle += 1
    f.clock[CYCLE] = cycle
    unfinished, end, still = _settle(f)
    if stopped:
        return STOPPED, cycle
    if unfinished:
        return BLOCKED, still
    f.clock[RUNNING] = 0
    return DONE, end
