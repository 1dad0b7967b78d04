"""Routers in a cycle: wavelets that may move do so, by the rules of links and switches.

A channel that has its link to itself moves at once.  Where several share a link, all ask first,
the link chooses (preference goes round with the cycle), and then the winners move.  A multicast
needs all its links at once.  Compiled; part of the simulator's loop.
"""

from engine.wafer.fabric.agenda import enlist, full, note_active, pop, push
from engine.wafer.fabric.record import note_move
from engine.wafer.fabric.state import (
    ASKS,
    CONTROL_BITS,
    COUNT,
    HEAD,
    LISTED,
    LIVE,
    MOVED,
    POPPED,
    RANKS,
    ROUTER,
    SLOTS,
    TARGET,
    WANTED,
    WAYS,
    Totals,
)
from engine.wafer.jit.decorators import inlined

__all__ = ["move_channels", "move_winners", "set_switch"]

_COPIED = Totals.COPIED
_CONTROLS = (1 << CONTROL_BITS) - 1
_ALL_THE_WAY = 1
"""Control bits: this one stays with the wavelet behind its first router."""
_TURNS = 128
"""More than the candidates (ports × colors) that a link can have."""


@inlined
def _keep(q, agenda, size, channel):
    """Let a channel that just lost a wavelet be visited again if it has another."""
    if q[channel, COUNT] > 0:
        enlist(q, agenda, size, channel)
    else:
        q[channel, LISTED] = 0


@inlined
def _wait(q, agenda, size, channel, target, cycle):
    """Let a channel wait until ``target`` has room: until the next cycle if room was just made."""
    if q[target, POPPED] == cycle:
        enlist(q, agenda, size, channel)
    else:
        q[target, WANTED] = 1
        q[channel, LISTED] = 0


@inlined
def _turn(net, channel, cycle):
    """Return a channel's precedence at a link in this cycle; the largest wins."""
    return cycle * _TURNS + (net.rank[channel] + cycle) % RANKS


@inlined
def _ask(f, channel, asking, cycle):
    """Let a channel ask for the links it needs, if all it leads to has room.

    Returns:
        How many ask by now.
    """
    net, q, agenda, size = f.net, f.queues, f.agenda, f.agenda_size
    switch = net.switch[channel]
    way = net.way_first[channel] + (f.position[switch] if switch >= 0 else 0)
    first, ways = net.target_first[way], net.target_count[way]
    if ways == 0:  # until the switch wakes it
        q[channel, LISTED] = 0
        return asking
    for k in range(first, first + ways):
        if full(q, net.target_channel[k], cycle):
            _wait(q, agenda, size, channel, net.target_channel[k], cycle)
            return asking
    turn = _turn(net, channel, cycle)
    for k in range(first, first + ways):
        link = net.target_link[k]
        f.link_turn[link] = max(f.link_turn[link], turn)
    agenda[ASKS, asking] = channel
    agenda[WAYS, asking] = way
    return asking + 1


@inlined
def set_switch(f, switch, position):
    """Set a switch and wake the channels it governs, unless it stands there already."""
    net, q = f.net, f.queues
    if f.position[switch] != position:
        f.position[switch] = position
        for k in range(net.switch_first[switch], net.switch_first[switch + 1]):
            other = net.switch_channel[k]
            if q[other, LISTED] == 0 and q[other, COUNT] > 0:
                enlist(q, f.agenda, f.agenda_size, other)


@inlined
def _advance(f, switch):
    """Set a switch to the position behind its present one."""
    set_switch(f, switch, f.net.switch_next[f.net.switch_base[switch] + f.position[switch]])


@inlined
def move_channels(f, count, cycle):
    """Visit the ``count`` live channels: move on what has a link to itself, let the others ask.

    Returns:
        How many ask.
    """
    q, agenda, size, clock = f.queues, f.agenda, f.agenda_size, f.clock
    active_at, totals, feeders = f.active_at, f.totals, f.net.feeder_channel
    recorder, recording = f.recorder, f.recorder.on != 0
    asking = 0
    for i in range(count):
        channel = agenda[LIVE, i]
        if q[channel, COUNT] == 0:
            q[channel, LISTED] = 0
            continue
        slot = SLOTS + 2 * q[channel, HEAD]
        stamp = q[channel, slot + 1]
        if stamp >> CONTROL_BITS > cycle:
            enlist(q, agenda, size, channel)
            continue
        target = q[channel, TARGET]
        if target < 0:
            asking = _ask(f, channel, asking, cycle)
        elif full(q, target, cycle):
            _wait(q, agenda, size, channel, target, cycle)
        else:
            value = q[channel, slot]
            if recording:
                way = f.net.way_first[channel]
                control = stamp & _CONTROLS
                landed = stamp >> CONTROL_BITS
                note_move(recorder, q[channel, ROUTER], cycle, landed, way, value, control)
            q[channel, MOVED] += 1
            pop(q, agenda, size, feeders, channel, cycle)
            _keep(q, agenda, size, channel)
            push(q, agenda, size, clock, target, value, stamp & _ALL_THE_WAY, cycle)
            note_active(active_at, totals, q[channel, ROUTER], cycle)
    return asking


@inlined
def move_winners(f, asking, cycle):
    """Move the wavelets of those channels that won every link they asked for."""
    net, q, agenda, size, clock = f.net, f.queues, f.agenda, f.agenda_size, f.clock
    for i in range(asking):
        channel, way = agenda[ASKS, i], agenda[WAYS, i]
        first, ways = net.target_first[way], net.target_count[way]
        turn = _turn(net, channel, cycle)
        won = True
        for k in range(first, first + ways):
            won = won and f.link_turn[net.target_link[k]] == turn
        if not won:
            enlist(q, agenda, size, channel)
            continue
        slot = SLOTS + 2 * q[channel, HEAD]
        value, control = q[channel, slot], q[channel, slot + 1] & _CONTROLS
        goes_on = control & _ALL_THE_WAY
        if f.recorder.on != 0:
            landed = q[channel, slot + 1] >> CONTROL_BITS
            note_move(f.recorder, q[channel, ROUTER], cycle, landed, way, value, control)
        pop(q, agenda, size, net.feeder_channel, channel, cycle)
        _keep(q, agenda, size, channel)
        for k in range(first, first + ways):
            push(q, agenda, size, clock, net.target_channel[k], value, goes_on, cycle)
            f.link_count[net.target_link[k]] += 1
        f.totals[_COPIED] += ways - 1
        note_active(f.active_at, f.totals, q[channel, ROUTER], cycle)
        if control and net.switch[channel] >= 0:
            _advance(f, net.switch[channel])
