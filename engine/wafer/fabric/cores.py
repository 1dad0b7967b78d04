"""Cores in a cycle: each runs its program, one instruction after the other, once for each row.

A core sees its queues as the cycle began.  It handles a wavelet a cycle at most (an EXCHANGE one
each way) and says when it has to be visited again.  Compiled; part of the simulator's loop.
"""

import numpy as np

from engine.wafer.fabric.agenda import come_back, full, note_active, pop, push, sleep
from engine.wafer.fabric.compute import compute, reduce_word
from engine.wafer.fabric.micro import (
    ADVANCE,
    CTRL,
    FIRST_ROW,
    LAST_ROW,
    RATE_ONE,
    Micro,
    MicroField,
    Reduce,
)
from engine.wafer.fabric.record import ROOM, WAVELET, note_run, note_wait
from engine.wafer.fabric.routers import set_switch
from engine.wafer.fabric.state import (
    ADDRESS,
    ADDRESS_2,
    CHOICE,
    CONTROL,
    CONTROL_BITS,
    COUNT,
    COUNTER,
    DUE,
    DUE_OUT,
    ENDED,
    ENDED_AT,
    FETCH,
    FINISHED,
    FRESH,
    GIVEN,
    HANDLED,
    HEAD,
    INTO,
    INTO_2,
    KIND,
    LENGTH,
    LISTED,
    MODE,
    OP,
    OUT,
    POLLING,
    POPPED,
    RATE,
    ROW,
    SETTING_UP,
    SINCE,
    SLACK,
    SLACK_OUT,
    SLOTS,
    SPLIT,
    STARTED,
    STREAMING,
    WAITED,
    WANTED,
    WANTS,
    WANTS_SINCE,
    WORKING,
    Totals,
)
from engine.wafer.jit.decorators import inlined
from engine.wafer.program.states import State

__all__ = ["visit_core"]

_F_OP, _F_KIND, _F_FLAGS = int(MicroField.OP), int(MicroField.KIND), int(MicroField.FLAGS)
_F_SETUP, _F_INTO, _F_OUT = int(MicroField.SETUP), int(MicroField.INTO), int(MicroField.OUT)
_F_ADDRESS, _F_COUNT = int(MicroField.ADDRESS), int(MicroField.COUNT)
_F_COUNT_KV, _F_RATE = int(MicroField.COUNT_KV), int(MicroField.RATE)
_F_SPLIT, _F_ADDRESS_2 = int(MicroField.SPLIT), int(MicroField.ADDRESS_2)
_F_COUNT_AT, _F_PIPE = int(MicroField.COUNT_AT), int(MicroField.PIPE)
_F_MISS_PIPE, _F_WINDOW = int(MicroField.MISS_PIPE), int(MicroField.WINDOW)
_F_MAC, _F_MAC_KV = int(MicroField.MAC), int(MicroField.MAC_KV)
_F_VECTOR, _F_VECTOR_KV = int(MicroField.VECTOR), int(MicroField.VECTOR_KV)
_F_INSTRUCTION, _F_TAP = int(MicroField.INSTRUCTION), int(MicroField.TAP)
_F_TAP_FROM, _F_TAP_COUNT = int(MicroField.TAP_FROM), int(MicroField.TAP_COUNT)
_SEND, _RECEIVE, _REDUCE = int(Micro.SEND), int(Micro.RECEIVE), int(Micro.REDUCE)
_REDUCE_SEND, _COMPUTE = int(Micro.REDUCE_SEND), int(Micro.COMPUTE)
_EXCHANGE, _TAKE = int(Micro.EXCHANGE), int(Reduce.TAKE)
_ROUTE, _F_A0, _F_A1 = int(Micro.ROUTE), int(MicroField.A0), int(MicroField.A1)
_JOIN = int(Micro.JOIN)

_SENT, _TAKEN, _REWRITTEN = Totals.SENT, Totals.TAKEN, Totals.REWRITTEN
_LAST_INSTRUCTION = Totals.LAST_INSTRUCTION
_S_MAC, _S_VECTOR, _S_COMM = State.MAC, State.VECTOR, State.COMM
_S_STALL, _S_PIPE = State.STALL_WAVELET, State.STALL_PIPE
_WAVELET, _ROOM = WAVELET, ROOM
_WOKEN = -1
"""Instead of a cycle: somebody will wake this core."""


@inlined
def _seen(f, core, position):
    """KV rows of a core up to and with ``position``."""
    row = f.kv_row[core]
    return 0 if position < row else (position - row) // f.kv_rows + 1


@inlined
def _hidden(f, core, position, window):
    """KV rows of a core that lie before a window that ends with ``position``."""
    return _seen(f, core, position - window) if window > 0 else 0


@inlined
def _begin(f, core, cycle):
    """Note the first cycle of a Program instruction."""
    row = f.cores[core, ROW]
    number = f.program[f.cores[core, COUNTER], _F_INSTRUCTION]
    f.begun[row, number] = min(f.begun[row, number], cycle)


@inlined
def _finish(f, core, cycle):
    """Note the end of a core's instruction (``cycle`` is one past it) and go to the next."""
    at, row = f.cores[core, COUNTER], f.cores[core, ROW]
    number = f.program[at, _F_INSTRUCTION]
    f.ended[row, number] = max(f.ended[row, number], cycle)
    tap = f.program[at, _F_TAP]
    if tap >= 0:
        source = f.program[at, _F_TAP_FROM]
        for i in range(f.program[at, _F_TAP_COUNT]):
            f.trace[row, tap + i] = f.words[source + i]
    f.cores[core, COUNTER] = at + 1
    f.cores[core, MODE] = FETCH
    f.cores[core, FRESH] = 0
    f.cores[core, ENDED] = cycle
    f.cores[core, ENDED_AT] = at
    f.totals[_LAST_INSTRUCTION] = max(f.totals[_LAST_INSTRUCTION], cycle)


@inlined
def _work(f, core, cycle, seen, hidden, kept):
    """Do a COMPUTE at once; its result is there when its cycles are over.

    Returns:
        Its cycles.
    """
    at = f.cores[core, COUNTER]
    found = compute(
        f.program[at], f.words, f.reals, f.octets, f.halves, seen, hidden, kept, f.cores[core, ROW]
    )
    _begin(f, core, cycle)
    mac = f.program[at, _F_MAC] + (seen - hidden) * f.program[at, _F_MAC_KV]
    vector = f.program[at, _F_VECTOR] + (seen - hidden) * f.program[at, _F_VECTOR_KV]
    pipe = np.int64(f.program[at, _F_PIPE])
    if found == 0:  # a look that found nothing: one cycle, once it is set up
        mac, vector, pipe = np.int64(0), np.int64(1), np.int64(f.program[at, _F_MISS_PIPE])
    f.states[core, _S_MAC] += mac
    f.states[core, _S_VECTOR] += vector
    f.states[core, _S_PIPE] += pipe
    cycles = mac + vector + pipe
    if f.recorder.on != 0 and cycles > 0:
        row = f.cores[core, ROW]
        note_run(f.recorder, core, at, row, cycle, cycle, cycle + cycles, mac, vector)
    return cycles


@inlined
def _load(f, core, cycle, count):
    """Put what an instruction of ``count`` wavelets needs into the core's row."""
    cores, program = f.cores, f.program
    at = cores[core, COUNTER]
    cores[core, OP], cores[core, KIND] = program[at, _F_OP], program[at, _F_KIND]
    cores[core, INTO], cores[core, OUT] = program[at, _F_INTO], program[at, _F_OUT]
    cores[core, ADDRESS], cores[core, RATE] = program[at, _F_ADDRESS], program[at, _F_RATE]
    cores[core, SPLIT] = program[at, _F_SPLIT]
    cores[core, INTO_2] = program[at, _F_A0]
    cores[core, ADDRESS_2] = program[at, _F_ADDRESS_2]
    flags = program[at, _F_FLAGS]
    cores[core, CONTROL] = 1 if flags & CTRL else 2 if flags & ADVANCE else 0
    cores[core, LENGTH], cores[core, HANDLED] = count, 0
    cores[core, WAITED], cores[core, SINCE] = 0, -1
    cores[core, MODE] = SETTING_UP
    f.states[core, _S_PIPE] += program[at, _F_SETUP]
    cores[core, DUE] = cycle + program[at, _F_SETUP]
    cores[core, STARTED], cores[core, SLACK] = cores[core, DUE], 0
    cores[core, GIVEN] = 0
    cores[core, DUE_OUT], cores[core, SLACK_OUT] = cores[core, DUE], 0


@inlined
def _set_route(f, switch, position):
    """Set a switch of a core's own router, which has to be closed: no stream is on its way."""
    if f.position[switch] != 0:
        f.totals[_REWRITTEN] += 1
    set_switch(f, switch, position)


@inlined
def _fetch(f, core, cycle, position, rows):
    """Start the core's next instruction.

    Returns:
        The cycle to come back in, `_WOKEN` at the end of the program.
    """
    cores = f.cores
    while True:
        at = cores[core, COUNTER]
        if at == f.first[core + 1]:
            cores[core, ROW] += 1
            if cores[core, ROW] == rows:
                cores[core, MODE] = FINISHED
                cores[core, DUE] = cycle
                return np.int64(_WOKEN)
            cores[core, COUNTER] = f.first[core]
            cores[core, FRESH] = 1
            continue
        row = cores[core, ROW]
        flags = f.program[at, _F_FLAGS]
        if (flags & LAST_ROW and row != rows - 1) or (flags & FIRST_ROW and row != 0):
            cores[core, COUNTER] = at + 1
            continue
        seen = _seen(f, core, position + row)
        hidden = _hidden(f, core, position + row, f.program[at, _F_WINDOW])
        if f.program[at, _F_OP] == _COMPUTE:
            kept = (position + row) % f.kv_rows == f.kv_row[core]
            cycles = _work(f, core, cycle, seen, hidden, kept)
            if cycles == 0:
                _finish(f, core, cycle)
                continue
            cores[core, MODE] = WORKING
            cores[core, DUE] = cycle + cycles
            return cycle + cycles
        count = f.program[at, _F_COUNT] + (seen - hidden) * f.program[at, _F_COUNT_KV]
        if f.program[at, _F_COUNT_AT] >= 0:
            count = f.words[f.program[at, _F_COUNT_AT]]
        routes = f.program[at, _F_OP] == _ROUTE
        if routes and count > 0:
            _set_route(f, f.program[at, _F_A0], f.program[at, _F_A1])
        if routes:
            cores[core, COUNTER] = at + 1
            continue
        if count <= 0:
            _finish(f, core, cycle)
            continue
        _load(f, core, cycle, count)
        return cores[core, DUE]


@inlined
def _stall(f, core, cycle, reason):
    """Note that a core's instruction cannot go on, and what for."""
    cores = f.cores
    if cores[core, SINCE] < 0:
        cores[core, SINCE] = cycle
        cores[core, WANTS], cores[core, WANTS_SINCE] = reason, cycle
    elif cores[core, WANTS] != reason:
        _note_wait(f, core, cycle)
        cores[core, WANTS], cores[core, WANTS_SINCE] = reason, cycle


@inlined
def _note_wait(f, core, cycle):
    """Let the recorder know of a wait that is over."""
    if f.recorder.on != 0:
        at, fresh = f.cores[core, COUNTER], f.cores[core, FRESH]
        since = f.cores[core, WANTS_SINCE]
        note_wait(f.recorder, core, at, f.cores[core, WANTS], since, cycle, fresh)


@inlined
def _done_streaming(f, core, cycle):
    """Account for a communication that is over; ``cycle`` is one past it."""
    cores = f.cores
    f.states[core, _S_COMM] += cycle - cores[core, STARTED] - cores[core, WAITED]
    if f.recorder.on != 0:
        at, started = cores[core, COUNTER], cores[core, STARTED]
        begun = started - f.program[at, _F_SETUP]
        note_run(f.recorder, core, at, cores[core, ROW], begun, started, cycle, 0, 0)
    _finish(f, core, cycle)


@inlined
def _resume(f, core, cycle):
    """Account for a wait that is over."""
    cores = f.cores
    wait = cycle - cores[core, SINCE]
    cores[core, WAITED] += wait
    if cores[core, FRESH] == 0:
        f.states[core, _S_STALL] += wait
    _note_wait(f, core, cycle)
    cores[core, SINCE] = -1


@inlined
def _after(rate, slack, cycle):
    """Return when a wavelet may follow one in ``cycle``, and by how much that was rounded up."""
    step = rate - slack
    due = cycle + ((step + RATE_ONE - 1) >> 16)
    return due, ((due - cycle) << 16) - step


@inlined
def _next_wavelet(f, core, cycle):
    """Return the cycle of the next wavelet by the instruction's rate, whose fractions add up."""
    cores = f.cores
    slack = cores[core, SLACK] if cores[core, DUE] == cycle else 0
    due, slack = _after(cores[core, RATE], slack, cycle)
    cores[core, DUE], cores[core, SLACK] = due, slack
    return due


@inlined
def _there(q, source):
    """Return from when on a queue's first wavelet may be taken, `_WOKEN` if there is none."""
    if q[source, COUNT] == 0:
        q[source, LISTED] = 0
        return np.int64(_WOKEN)
    return np.int64(q[source, SLOTS + 2 * q[source, HEAD] + 1] >> CONTROL_BITS)


@inlined
def _take(f, source, cycle):
    """Take a queue's first wavelet and return its value."""
    q = f.queues
    value = q[source, SLOTS + 2 * q[source, HEAD]]
    pop(q, f.agenda, f.agenda_size, f.net.feeder_channel, source, cycle)
    f.totals[_TAKEN] += 1
    return value


@inlined
def _stream(f, core, cycle):
    """Handle one wavelet of a core's instruction if it can be.

    Returns:
        The cycle to come back in, or `_WOKEN`.
    """
    cores, q = f.cores, f.queues
    op, source, target = cores[core, OP], cores[core, INTO], cores[core, OUT]
    gives = op in (_SEND, _REDUCE_SEND)
    if op != _SEND:
        ready = _there(q, source)
        if op == _JOIN and 0 <= ready <= cycle:
            ready = _there(q, cores[core, INTO_2])
        if ready < 0 or ready > cycle:
            _stall(f, core, cycle, _WAVELET)
            return ready
    if gives and full(q, target, cycle):
        _stall(f, core, cycle, _ROOM)
        if q[target, POPPED] == cycle:
            return cycle + 1
        q[target, WANTED] = 1
        return _WOKEN
    if cores[core, SINCE] >= 0:
        _resume(f, core, cycle)
    done = cores[core, HANDLED]
    if done == 0:
        _begin(f, core, cycle)
    if done == cores[core, SPLIT]:
        cores[core, ADDRESS] = cores[core, ADDRESS_2]
    address = cores[core, ADDRESS]
    cores[core, ADDRESS] = address + 1
    cores[core, HANDLED] = done + 1
    last = done + 1 == cores[core, LENGTH]
    given = f.words[address]
    if op != _SEND:
        arrived = _take(f, source, cycle)
        if op == _JOIN:
            given, arrived = arrived, _take(f, cores[core, INTO_2], cycle)
        if op == _RECEIVE:
            given = arrived
        else:
            given, cores[core, CHOICE] = reduce_word(
                cores[core, KIND], given, arrived, done, cores[core, CHOICE]
            )
    if gives:
        control = cores[core, CONTROL] if last else np.int32(0)
        push(q, f.agenda, f.agenda_size, f.clock, target, given, control, cycle)
        f.totals[_SENT] += 1
    else:
        f.words[address] = given
    note_active(f.active_at, f.totals, core, cycle)
    if last:
        _done_streaming(f, core, cycle + 1)
        return cycle + 1
    return _next_wavelet(f, core, cycle)


@inlined
def _exchange(f, core, cycle):
    """Let each half of an EXCHANGE handle one wavelet if it can.

    Returns:
        The cycle to come back in.
    """
    cores, q = f.cores, f.queues
    source, target, length = cores[core, INTO], cores[core, OUT], cores[core, LENGTH]
    done, given = cores[core, HANDLED], cores[core, GIVEN]
    takes = done < length and cores[core, DUE] <= cycle
    gives = given < length and cores[core, DUE_OUT] <= cycle
    limited = (done < length and not takes) or (given < length and not gives)
    may_take, may_give, changes = False, False, limited
    if takes and q[source, COUNT] > 0:
        slot = SLOTS + 2 * q[source, HEAD]
        may_take = q[source, slot + 1] >> CONTROL_BITS <= cycle
        changes = True
    if gives:
        may_give = not full(q, target, cycle)
        changes = changes or q[target, POPPED] == cycle
    if not (may_take or may_give or limited):
        _stall(f, core, cycle, _WAVELET if takes else _ROOM)
        if not changes:
            f.clock[POLLING] += 1
        return cycle + 1
    if cores[core, SINCE] >= 0:
        _resume(f, core, cycle)
    if not (may_take or may_give):
        return cycle + 1
    if done + given == 0:
        _begin(f, core, cycle)
    if may_give:
        given += 1
        control = cores[core, CONTROL] if given == length else np.int32(0)
        word = f.words[cores[core, ADDRESS] + given - 1]
        push(q, f.agenda, f.agenda_size, f.clock, target, word, control, cycle)
        f.totals[_SENT] += 1
        slack = cores[core, SLACK_OUT] if cores[core, DUE_OUT] == cycle else 0
        due, slack = _after(cores[core, RATE], slack, cycle)
        cores[core, GIVEN], cores[core, DUE_OUT], cores[core, SLACK_OUT] = given, due, slack
    if may_take:
        word = q[source, SLOTS + 2 * q[source, HEAD]]
        address = cores[core, ADDRESS_2] + done
        if cores[core, KIND] != _TAKE:
            word, cores[core, CHOICE] = reduce_word(
                cores[core, KIND], f.words[address], word, done, cores[core, CHOICE]
            )
        f.words[address] = word
        pop(q, f.agenda, f.agenda_size, f.net.feeder_channel, source, cycle)
        f.totals[_TAKEN] += 1
        done += 1
        cores[core, HANDLED] = done
        _next_wavelet(f, core, cycle)
    note_active(f.active_at, f.totals, core, cycle)
    if done == length and given == length:
        _done_streaming(f, core, cycle + 1)
    return cycle + 1


@inlined
def visit_core(f, core, cycle, position, rows):
    """Let a core do what it can in this cycle and say when it comes back."""
    back = np.int64(cycle)
    while back == cycle:
        mode = f.cores[core, MODE]
        if mode == STREAMING:
            back = np.int64(f.cores[core, DUE])
            if f.cores[core, OP] == _EXCHANGE:
                back = np.int64(_exchange(f, core, cycle))
            elif back <= cycle:
                back = np.int64(_stream(f, core, cycle))
        elif mode == FETCH:
            back = _fetch(f, core, cycle, position, rows)
        elif f.cores[core, DUE] > cycle:
            back = np.int64(f.cores[core, DUE])
        elif mode == SETTING_UP:
            f.cores[core, MODE] = STREAMING
        else:
            _finish(f, core, cycle)
    if back == cycle + 1:
        come_back(f.agenda, f.agenda_size, core)
    elif back > cycle:
        sleep(f.agenda, f.clock, core, back)
