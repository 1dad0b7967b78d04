"""How pieces of work are handed out, and how their results come together.

One thread, the *caller*, runs the instructions; *helpers* compute pieces of the one at hand.  The
caller never waits for a helper that is late: it computes the piece itself, and what the late one
computed is dropped.  So a helper works on memory of its own and *settles* afterwards: it copies its
result to where it belongs, but only if the piece is still its own.

A piece goes through these states, each with the number of its job (an *epoch*, which grows):

    (of an older job) → STARTED → SETTLING → DONE      by a helper
    (of an older job) → OWN                            by the caller
    STARTED → OWN                                      the helper was late

All changes of a piece that both sides may want are compare-and-swap.  The one thing the caller
waits for is SETTLING: a copy of a few µs.  A job's words are written while its ticket is
sold out, and a helper reads them before it buys: a purchase that succeeds has read the right ones.
"""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from engine.wafer.fast.threads.atomics import (
    exchange,
    fetch,
    give_up,
    load,
    pause,
    sleep,
    store,
    swap,
    wake,
)
from engine.wafer.jit.decorators import helper, kernel

__all__ = [
    "MAX_PIECES",
    "Claim",
    "Facts",
    "Shares",
    "await_claim",
    "begin",
    "hold",
    "is_idle",
    "is_worth",
    "may_settle",
    "new_shares",
    "open_job",
    "pauses",
    "reset",
    "settled",
    "shared",
    "spins",
    "start",
    "stop",
    "take",
]

Words: TypeAlias = NDArray[np.int64]

_LINE = 16
"""Words from one that threads write often to the next: two lines of the processor's cache, because
processors fetch them in pairs."""

_TICKET = 0
"""Epoch · 2³² + pieces · 2¹⁶ + the next piece to be had."""
_STOPPED = _LINE
_EPOCH, _PATIENCE, _FACTS = range(2 * _LINE, 2 * _LINE + 3)
"""The job at hand: its number, how long a late piece is waited for, and the first of its facts."""
_NEXT, _LAST, _UNBEGUN, _UNDONE, _OFFERED = range(3 * _LINE, 3 * _LINE + 5)
"""The caller's own: the pieces that it has bought; the number of those that it has not yet seen
begun, and the first that it has not seen done; how many there are."""
_HELPED, _PIECES = range(3 * _LINE + 5, 3 * _LINE + 7)
"""How many pieces helpers have computed, and of how many, since `Pool.shared` was asked."""
_ACTIVE, _SPINS, _LEAST = range(4 * _LINE, 4 * _LINE + 3)
"""Threads of the step, the caller included; how long a helper looks for work before it sleeps; the
least work that is offered."""
_HELPERS = 5
"""The line of the first helper, whose words follow."""
_ASLEEP, _READ_END, _WRITE_END, _BYTE, _HOLD, _BUSY = range(6)

_OWN, _STARTED, _SETTLING, _DONE = range(4)
_STATES = 4

MAX_PIECES = (1 << 16) - 1
"""Pieces of a job, at most."""

_MANY = 2000
"""`pause`s, about 100 µs: far more than it takes to settle."""


class Shares(NamedTuple):
    """What the threads of a pool share besides the work itself."""

    words: Words
    pieces: Words
    """The state of each piece: epoch · `_STATES` + state."""


Facts: TypeAlias = tuple[int, int, int, int, int, int, int, int, int]
"""What a helper must know of a job; only who offers it knows what each number means."""

_NO_FACTS: Facts = (0, 0, 0, 0, 0, 0, 0, 0, 0)


class Claim(NamedTuple):
    """Pieces that a helper has bought, and the job that they are of."""

    first: int
    last: int
    """One more than the last; the same as the first where a helper must end."""
    epoch: int
    facts: Facts


def new_shares(threads: int, least_work: int) -> Shares:
    """Return the words of a pool of so many threads, the caller included; see `is_worth`."""
    words = np.zeros((_HELPERS + threads) * _LINE, np.int64)
    words[_ACTIVE], words[_LEAST] = 1, least_work
    return Shares(words, np.zeros(MAX_PIECES, np.int64))


def reset(shares: Shares, spins: int, pipes: Sequence[tuple[int, int]]) -> None:
    """Prepare the words for helpers that start now; none may run.

    Args:
        shares: Words of the pool.
        spins: `pause`s after which a helper without work sleeps.
        pipes: For each helper, the ends of a pipe to read and to write.
    """
    words = shares.words
    words[_TICKET], words[_STOPPED], words[_SPINS] = 0, 0, spins
    for number, ends in enumerate(pipes):
        at = (_HELPERS + number) * _LINE
        words[at : at + _LINE] = 0
        words[at + _READ_END : at + _WRITE_END + 1] = ends


@kernel
def pauses(count: int) -> None:
    """Pause so many times."""
    for _ in range(count):
        pause()


def stop(shares: Shares) -> None:
    """Let every helper end that is awake; one that sleeps needs a byte besides."""
    shares.words[_STOPPED] = 1


def shared(shares: Shares) -> tuple[int, int]:
    """Return how many pieces helpers have computed and of how many, since the last call."""
    words = shares.words
    helped, pieces = int(words[_HELPED]), int(words[_PIECES])
    words[_HELPED] = words[_PIECES] = 0
    return helped, pieces


def is_idle(shares: Shares) -> bool:
    """Return whether no helper is at work, not even on what nobody waits for.

    After a step: as nothing is offered, none can begin.
    """
    words = shares.words
    return not any(words[at] for at in range(_HELPERS * _LINE + _BUSY, words.size, _LINE))


def hold(shares: Shares, helper: int, held: bool) -> None:
    """Hold a helper up from now on, or let it go: before it settles its piece.  For tests."""
    shares.words[(_HELPERS + helper) * _LINE + _HOLD] = held


# ── the caller ──────────────────────────────────────────────────────────────────────────────


@helper
def begin(shares: Shares, threads: int) -> None:
    """Let so many threads, the caller included, share what follows."""
    store(shares.words, _ACTIVE, threads)


@helper
def spins(shares: Shares) -> int:
    """Return how many `pause`s take 100 µs."""
    return int(shares.words[_SPINS])


@helper
def is_worth(shares: Shares, pieces: int, work: int) -> bool:
    """Return whether so many pieces with so much work in all may be offered."""
    return bool(work >= shares.words[_LEAST] and 2 <= pieces <= MAX_PIECES)


@helper
def open_job(shares: Shares, pieces: int, facts: Facts, patience: int) -> None:
    """Offer the pieces of a job to the helpers; `take` gives the caller its own.

    Args:
        shares: Words of the pool.
        pieces: How many; see `is_worth`.
        facts: What a helper must know.
        patience: `pause`s that a piece is waited for once nothing else is left.
    """
    words = shares.words
    epoch = words[_EPOCH] + 1
    store(words, _EPOCH, epoch)
    for number in range(len(facts)):
        store(words, _FACTS + number, facts[number])
    words[_PATIENCE] = patience
    words[_NEXT], words[_LAST] = 0, 0
    words[_UNBEGUN], words[_UNDONE], words[_OFFERED] = pieces, 0, pieces
    words[_PIECES] += pieces
    exchange(words, _TICKET, ((epoch & 0x7FFFFFFF) << 32) | (pieces << 16))
    for number in range(words[_ACTIVE] - 1):
        at = (_HELPERS + number) * _LINE
        if fetch(words, at + _ASLEEP) == 1 and swap(words, at + _ASLEEP, 1, 0):
            wake(words[at + _WRITE_END], words, at + _BYTE)


@helper
def _bought(words: Words, ticket: int) -> int:
    """Return how many pieces were bought with what was seen of the ticket: 0 if it has changed.

    A part of those that are left, so that neighbours stay with one thread and the last ones
    are single.
    """
    left = ((ticket >> 16) & 0xFFFF) - (ticket & 0xFFFF)
    count = max(1, left // (2 * words[_ACTIVE]))
    return count if swap(words, _TICKET, ticket, ticket + count) else 0


@helper
def take(shares: Shares) -> int:
    """Return the next piece that the caller must compute; −1 when the job is finished."""
    words, pieces = shares.words, shares.pieces
    epoch = words[_EPOCH]
    while words[_NEXT] >= words[_LAST]:
        ticket = load(words, _TICKET)
        first = ticket & 0xFFFF
        if first >= (ticket >> 16) & 0xFFFF:
            return int(_take_back(shares, epoch))
        count = _bought(words, ticket)
        words[_NEXT], words[_LAST] = first, first + count
    number = words[_NEXT]
    words[_NEXT] = number + 1
    store(pieces, number, epoch * _STATES + _OWN)
    return int(number)


@helper
def _take_back(shares: Shares, epoch: int) -> int:
    """Return a piece that a helper has bought and not begun, then one that is late; −1 if none."""
    words, pieces = shares.words, shares.pieces
    own = epoch * _STATES + _OWN
    while words[_UNBEGUN] > 0:  # from the back: a helper begins its pieces in their order
        words[_UNBEGUN] -= 1
        number = words[_UNBEGUN]
        state = load(pieces, number)
        if state < own and swap(pieces, number, state, own):
            return int(number)
    while words[_UNDONE] < words[_OFFERED]:
        number = words[_UNDONE]
        words[_UNDONE] += 1
        if _is_late(words, pieces, number, epoch):
            return int(number)
    return -1


@helper
def _is_late(words: Words, pieces: Words, number: int, epoch: int) -> bool:
    """Wait for a helper's piece; return whether it took too long and is now the caller's."""
    at = epoch * _STATES
    left = words[_PATIENCE]
    state = load(pieces, number)
    if state == at + _OWN:
        return False
    words[_HELPED] += 1
    while state != at + _DONE:
        if state == at + _STARTED and left <= 0:
            if swap(pieces, number, state, at + _OWN):
                words[_HELPED] -= 1
                return True
        elif left < -_MANY:  # it was interrupted while it settled, perhaps by this thread
            give_up()
        pause()
        left -= 1
        state = load(pieces, number)
    return False


# ── a helper ────────────────────────────────────────────────────────────────────────────────


@helper
def await_claim(shares: Shares, number: int) -> Claim:
    """Return pieces for a helper to compute; none when it must end.

    It looks for work for a while, then sleeps until the caller has some.

    Args:
        shares: Words of the pool.
        number: Which helper.
    """
    words, spins, busy = shares.words, 0, (_HELPERS + number) * _LINE + _BUSY
    store(words, busy, 0)
    while load(words, _STOPPED) == 0:
        ticket = load(words, _TICKET)
        if _has_work(words, ticket, number):
            exchange(words, busy, 1)
            epoch, facts = load(words, _EPOCH), _facts(words)
            first, count = ticket & 0xFFFF, _bought(words, ticket)
            if count > 0:
                return Claim(first, first + count, epoch, facts)
            store(words, busy, 0)
        elif spins < words[_SPINS]:
            pause()
            spins += 1
        else:
            _rest(words, number)
            spins = 0
    return Claim(0, 0, 0, _NO_FACTS)


@helper
def _facts(words: Words) -> Facts:
    """Return the facts of the job at hand."""
    at = _FACTS
    return (
        load(words, at), load(words, at + 1), load(words, at + 2), load(words, at + 3),
        load(words, at + 4), load(words, at + 5), load(words, at + 6), load(words, at + 7),
        load(words, at + 8),
    )  # fmt: skip


@helper
def _has_work(words: Words, ticket: int, number: int) -> bool:
    """Return whether a ticket is not sold out, and a helper of this number may buy."""
    return (ticket & 0xFFFF) < ((ticket >> 16) & 0xFFFF) and number + 1 < load(words, _ACTIVE)


@helper
def _rest(words: Words, number: int) -> None:
    """Sleep until the caller has work or the pool ends, unless either has just come about.

    Who wakes a helper has swapped its `_ASLEEP` before, so a byte follows and is taken here.
    """
    at = (_HELPERS + number) * _LINE
    exchange(words, at + _ASLEEP, 1)
    awake = _has_work(words, fetch(words, _TICKET), number) or fetch(words, _STOPPED) == 1
    if awake and swap(words, at + _ASLEEP, 1, 0):
        return
    sleep(words[at + _READ_END], words, at + _BYTE)


@helper
def start(shares: Shares, number: int, epoch: int) -> bool:
    """Begin a piece; return whether the helper still has it."""
    state = load(shares.pieces, number)
    if state >= epoch * _STATES:
        return False
    return bool(swap(shares.pieces, number, state, epoch * _STATES + _STARTED))


@helper
def may_settle(shares: Shares, helper: int, number: int, epoch: int) -> bool:
    """Return whether a computed piece is still the helper's, who must then copy it at once."""
    at = (_HELPERS + helper) * _LINE + _HOLD
    while load(shares.words, at) == 1:  # only a test holds a helper up
        pause()
    before, after = epoch * _STATES + _STARTED, epoch * _STATES + _SETTLING
    return bool(swap(shares.pieces, number, before, after))


@helper
def settled(shares: Shares, number: int, epoch: int) -> None:
    """Say that a piece's result is in its place."""
    store(shares.pieces, number, epoch * _STATES + _DONE)
