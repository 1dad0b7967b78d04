"""Everything a simulation reads and writes, as flat arrays.

Two tables of 32-bit rows hold what the simulator touches in every cycle: one row for each virtual
channel (its queue and where it leads) and one for each core (where it stands in its program, with
the fields of the running instruction).  A row lies in two cache lines.  Nothing here runs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.errors import PlacementError
from engine.wafer.fabric import misuse
from engine.wafer.fabric.network import PORTS, Routes
from engine.wafer.fabric.record import Recorder
from engine.wafer.program.states import State

__all__ = [
    "CONTROL_BITS",
    "LATEST",
    "Accounts",
    "Fabric",
    "KvShares",
    "Totals",
    "new_fabric",
]

CONTROL_BITS = 2
"""A slot's stamp is the cycle from which its wavelet may go on, followed by this many bits: 1, it
advances the switch of every router it passes; 2, only that of the router it starts from."""

LATEST = (1 << (31 - CONTROL_BITS)) - 1
"""The last cycle a slot can note."""

(
    HEAD, COUNT, MASK, CAPACITY,    # a ring of MASK + 1 slots, of which CAPACITY may be in use
    LATENCY,                        # cycles from the place before until a wavelet may go on
    POPPED,                         # cycle in which a wavelet last left, −1 for never
    LISTED,                         # 0: who puts a wavelet here wakes the one who moves it on
    WANTED,                         # 1: somebody waits for room here
    MOVED,                          # wavelets that left by `TARGET` and are not in link_count yet
    TARGET, LINK,                   # the one way out; −1: several, shared or switched
    ROUTER, RECEIVER, SENDER,       # the core that empties or fills it, −1 if a router does
    FEEDER, FEEDERS,                # the channels that lead to it, in `Routes.feeder_channel`
) = range(16)  # fmt: skip
"""Columns of a channel's row before its slots."""

RANKS = 120
"""Ports × colors of a full router: in so many cycles a link's preference goes once round."""

SLOTS = 16
"""Column of the first slot; a slot is a value and a stamp."""

(
    MODE, COUNTER, ROW, FRESH,      # FRESH is 1 until a core's first instruction of a row ends
    DUE, SLACK,                     # cycle to go on in; what that was rounded up by, cycles · 2¹⁶
    HANDLED, LENGTH,                # wavelets of the running instruction so far and in all
    SINCE, STARTED, WAITED,         # cycle a wait began or −1; first cycle; cycles waited
    CHOICE,                         # of an ARGMAX, from a value to its index
    OP, KIND, INTO, OUT, ADDRESS,   # of the running instruction; ADDRESS moves on
    RATE, SPLIT, ADDRESS_2, CONTROL,
    GIVEN, DUE_OUT, SLACK_OUT,      # of an EXCHANGE's sending half, as HANDLED, DUE and SLACK
    ENDED, ENDED_AT,                # cycle in which an instruction last ended, and which
    WANTS, WANTS_SINCE,             # of one that waits: for what, and since when for just that
    INTO_2,                         # second channel of a JOIN
) = range(29)  # fmt: skip
"""Columns of a core's row."""

CORE_FIELDS = 32

FETCH, SETTING_UP, STREAMING, WORKING, FINISHED = range(5)
"""The modes of a core."""

BUCKETS = 1024
"""Slots of the wheel on which cores sleep."""

CYCLE, RUNNING, ASLEEP, POLLING = range(4)
"""Places in `Fabric.clock`: the cycle that comes next; 1 while a step is under way; cores that
sleep; cores that come back in the next cycle only to look again."""

LIVE, LATER, NOW, NEXT, BUCKET, BEHIND, WAKE_AT, ASKS, WAYS = range(9)
"""Rows of `Fabric.agenda`.

LIVE and LATER: channels with a wavelet that may move in this cycle and in the next.  NOW and NEXT:
cores to visit.  BUCKET: the first core that sleeps until a cycle ≡ i mod `BUCKETS`, −1 for none;
BEHIND: the core behind each in its bucket; WAKE_AT: until when it sleeps.  ASKS: channels that
asked for links they share; WAYS: by which way.
"""


class Fabric(NamedTuple):
    """All state of a rectangle of cores.  C cores, V channels, L links.

    `words`, `trace`, `states`, `begun`, `ended`, `totals` and `link_count` are results; the rest
    is the simulator's own.
    """

    net: Routes
    program: NDArray[np.int32]
    """Micro-instructions, core by core; (n, FIELDS)."""
    first: NDArray[np.int64]
    """Each core's first instruction, and the end; (C + 1,)."""
    words: NDArray[np.int32]
    """All cores' memories end to end."""
    reals: NDArray[np.float32]
    octets: NDArray[np.int8]
    halves: NDArray[np.uint16]
    kv_row: NDArray[np.int32]
    """Row of the region a core lies in, for its share of the KV rows; (C,)."""
    kv_rows: int
    """Rows of a region: position j lies in row j mod this."""
    trace: NDArray[np.int32]
    """Results that observers asked for; (rows of the step, words)."""
    queues: NDArray[np.int32]
    """Channels, (V, SLOTS + 2·depth)."""
    cores: NDArray[np.int32]
    """Cores, (C, CORE_FIELDS)."""
    position: NDArray[np.int32]
    """Position of each switch."""
    link_turn: NDArray[np.int64]
    """Best request of a cycle for a shared link; (L,)."""
    link_count: NDArray[np.int64]
    """Wavelets a link has carried; link = router·5 + port, (L,)."""
    active_at: NDArray[np.int32]
    """Cycle in which a tile last did something, −1 for never; (C,)."""
    states: NDArray[np.int64]
    """Cycles by state but idle; (C, 5)."""
    begun: NDArray[np.int64]
    """First cycle of each instruction of the Program, by row; (rows, instructions)."""
    ended: NDArray[np.int64]
    """Last cycle, one past."""
    totals: NDArray[np.int64]
    """See `Totals`."""
    clock: NDArray[np.int64]
    agenda: NDArray[np.int32]
    """Lists of who has something to do, and when; (9, 1 + max(V, C, BUCKETS))."""
    agenda_size: NDArray[np.int64]
    """Lengths of the lists."""
    recorder: Recorder
    """Events noted down for others to read."""


class Totals:
    """Places in `Fabric.totals`."""

    SENT = 0
    """Wavelets that cores gave to the fabric."""
    COPIED = 1
    """Further copies that multicasts made."""
    TAKEN = 2
    """Wavelets that cores took."""
    ACTIVE = 3
    """Tile-cycles in which a tile's core handled a wavelet or its router moved one."""
    LAST_INSTRUCTION = 4
    """Cycle in which an instruction last ended."""
    LAST_LANDING = 5
    """Cycle in which a router last moved a wavelet on."""
    REWRITTEN = 6
    """Routes that a core set while a stream had not passed yet: more than 0 is an error."""
    COUNT = 7


class KvShares(NamedTuple):
    """How the rows of the KV cache are shared out among the cores."""

    row: NDArray[np.int32]
    """Row of its region that each core lies in; (C,)."""
    rows: int
    """Rows of a region."""


class Accounts(NamedTuple):
    """The room that a fabric needs for notes about a step."""

    rows: int = 1
    """Most rows of a step."""
    instructions: int = 1
    """Instructions of the Program."""
    trace_words: int = 0
    """Words an observer wants of each row."""


ONE_ROW = Accounts()
"""One row of one instruction, and nothing for observers."""


def new_fabric(
    net: Routes,
    program: NDArray[np.int32],
    first: NDArray[np.int64],
    words: NDArray[np.int32],
    *,
    kv: KvShares | None = None,
    accounts: Accounts = ONE_ROW,
    memory: NDArray[np.int64] | None = None,
    recorder: Recorder | None = None,
) -> Fabric:
    """Return a fabric at rest.

    Args:
        net: Routes of all colors.
        program: Micro-instructions of all cores, from `micro.Programs.tables`.
        first: Each core's first instruction, and the end.
        words: Memory of all cores, int32; the simulation writes to it.
        kv: Shares in the KV cache; None: every core holds all of it.
        accounts: What the fabric must have room to note.
        memory: Word at which each core's memory begins, and the end, (C + 1,); None: any core
            may use any word.
        recorder: Tables to note events in; None: nothing is watched.

    Raises:
        FabricError: An instruction reaches outside its core's memory or routes.
        PlacementError: A router has more colors than a link can take turns among.
    """
    rows, instructions, trace_words = accounts
    misuse.check(
        net, program, first, words, memory, rows=rows, trace_words=trace_words,
        instructions=instructions,
    )  # fmt: skip
    if net.rank.max(initial=0) >= RANKS:
        raise PlacementError(f"routers have {RANKS // PORTS} colors in this simulator, not more")
    cores = net.columns * net.rows
    channels = net.capacity.size
    if kv is None:
        kv = KvShares(np.zeros(cores, np.int32), 1)
    return Fabric(
        net=net, program=np.ascontiguousarray(program), first=first, words=words,
        reals=words.view(np.float32), octets=words.view(np.int8), halves=words.view(np.uint16),
        kv_row=kv.row, kv_rows=int(kv.rows),
        trace=np.zeros((rows, max(trace_words, 1)), np.int32),
        queues=_queues(net), cores=np.zeros((cores, CORE_FIELDS), np.int32),
        position=np.zeros(net.switch_base.size, np.int32),
        link_turn=np.full(PORTS * cores, -1, np.int64),
        link_count=np.zeros(PORTS * cores, np.int64), active_at=np.full(cores, -1, np.int32),
        states=np.zeros((cores, State.IDLE), np.int64),
        begun=np.full((rows, instructions), np.iinfo(np.int64).max, np.int64),
        ended=np.zeros((rows, instructions), np.int64), totals=np.zeros(Totals.COUNT, np.int64),
        clock=np.zeros(4, np.int64), agenda_size=np.zeros(9, np.int64),
        agenda=np.zeros((9, 1 + max(channels, cores, BUCKETS)), np.int32),
        recorder=Recorder.off() if recorder is None else recorder,
    )  # fmt: skip


def _queues(net: Routes) -> NDArray[np.int32]:
    """Return every channel's row, empty."""
    depth = 1 << int(net.capacity.max(initial=1) - 1).bit_length()  # slots wrap by a mask
    queues = np.zeros((net.capacity.size, SLOTS + 2 * depth), np.int32)
    queues[:, MASK] = depth - 1
    queues[:, CAPACITY] = net.capacity
    queues[:, LATENCY] = np.maximum(net.latency, 1)  # what comes in a cycle goes on in the next
    queues[:, POPPED] = -1
    queues[:, ROUTER], queues[:, RECEIVER] = net.router, net.receiver
    queues[:, SENDER] = net.sender
    queues[:, FEEDER], queues[:, FEEDERS] = net.feeder_first, net.feeder_count
    queues[:, [TARGET, LINK]] = -1
    alone = _alone(net)
    first = net.target_first[net.way_first[alone]]
    queues[alone, TARGET], queues[alone, LINK] = net.target_channel[first], net.target_link[first]
    return queues


def _alone(net: Routes) -> NDArray[np.int64]:
    """Return the channels with one way out, no switch, and a link that no other channel uses."""
    source = np.repeat(net.way_channel, net.target_count)
    ways_in_order = np.argsort(source, kind="stable")
    users = np.unique(np.stack([net.target_link[ways_in_order], source]), axis=1)[0]
    users_of = np.bincount(users, minlength=PORTS * net.columns * net.rows)
    one = np.nonzero((net.target_count[net.way_first] == 1) & (net.switch < 0))[0]
    alone: NDArray[np.int64] = one[
        users_of[net.target_link[net.target_first[net.way_first[one]]]] == 1
    ]
    return alone
