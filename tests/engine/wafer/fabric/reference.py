"""The fabric simulated slowly and plainly: an object for each router and core, no tables.

Written from the rules alone (`engine/wafer/README.md`): everything looks at the fabric as a cycle
began, then everything happens at once.  Every router and core is visited in every cycle.  Shares
with the simulator the names of instructions and ports, and nothing that runs.
"""

from collections import deque
from dataclasses import dataclass, field
from math import ceil

import numpy as np

from engine.wafer.fabric.micro import ADVANCE, CTRL, FIRST_ROW, LAST_ROW, Kind, Micro, Reduce
from engine.wafer.fabric.network import OPPOSITE, RAMP, STEP, Switch

F32 = np.float32
RATE_ONE = 65536
PORTS = range(5)
DONE, BLOCKED, STOPPED = 0, 1, 2
MAC, VECTOR, COMM, STALL, PIPE = range(5)


@dataclass
class Wavelet:
    value: np.int32
    control: int
    """1: advances the switch of every router it leaves; 2: of the first one only."""
    ready: int
    """The cycle from which it may go on."""


class Queue:
    """Wavelets of one color that wait at one place, and those under way to it."""

    def __init__(self, latency, depth):
        self.latency = latency
        self.capacity = latency + depth
        self.wavelets = deque()

    def first(self, cycle):
        """The wavelet that may go on now, if there is one."""
        if self.wavelets and self.wavelets[0].ready <= cycle:
            return self.wavelets[0]
        return None

    @property
    def has_room(self):
        return len(self.wavelets) < self.capacity

    def put(self, value, control, cycle):
        # What arrives in a cycle goes on in the next at the earliest, also over a distance of 0.
        self.wavelets.append(Wavelet(value, control, cycle + max(self.latency, 1)))


@dataclass
class Router:
    x: int
    y: int
    routes: dict = field(default_factory=dict)
    """Color → list of (ports taken from, ports left by), one for each switch position."""
    following: dict = field(default_factory=dict)
    """Color → the position that follows each, where that is not simply the next one."""
    starts: dict = field(default_factory=dict)
    """(color, pattern) → its first position."""
    position: dict = field(default_factory=dict)
    queues: dict = field(default_factory=dict)
    """(color, port) → Queue of what came in by the port."""

    def ways(self, color, port):
        """The ports by which a wavelet of a color that came in by ``port`` leaves now."""
        taken, left = self.routes[color][self.position[color]]
        return [out for out in PORTS if left >> out & 1] if taken >> port & 1 else []

    def advance(self, color):
        position = self.position[color]
        following = min(position + 1, len(self.routes[color]) - 1)
        self.position[color] = self.following.get((color, position), following)

    def follow(self, route):
        """Add a position that a ring goes round, or that the core sets its router to."""
        closes = route.switch is Switch.CLOSE
        positions = self.routes.setdefault(route.color, [(0, 0)] if closes else [])
        start = self.starts.setdefault((route.color, route.pattern), len(positions))
        positions.append((route.taken, route.left))
        if len(positions) - 1 > start:
            self.following.pop((route.color, len(positions) - 2), None)
        self.following[route.color, len(positions) - 1] = 0
        assert start == 0 or closes


class Core:
    """One processing element: runs its list of instructions once for every row."""

    def __init__(self, number, steps, rows):
        self.number, self.steps, self.rows = number, steps, rows
        self.into = {}  # color → Queue from the router
        self.out = {}  # color → Queue to the router
        self.row, self.at, self.state = 0, 0, "fetch"
        self.until = 0
        self.fresh = True  # no instruction of this row has ended: its waits are idle
        self.finished_at = 0 if not steps else None
        self.states = [0] * 5

    @property
    def fields(self):
        return self.steps[self.at][1]


class Fabric:
    """A scene at work."""

    def __init__(self, scene):
        self.scene = scene
        self.columns, self.rows = scene.columns, scene.rows
        self.words = scene.words.copy()
        self.routers = {
            (x, y): Router(x, y) for y in range(scene.rows) for x in range(scene.columns)
        }
        self.cores = [
            Core(number, [step[1:] for step in scene.steps if step[0] == number], scene.step_rows)
            for number in range(scene.columns * scene.rows)
        ]
        self.links = {}  # (x, y, port) → wavelets carried
        self.begun, self.ended = {}, {}  # (row, instruction) → cycle
        self.sent = self.copied = self.taken = self.active = self.rewritten = 0
        self.set_after = []  # routers that cores set in this cycle: (router, color, position)
        self.last_event = 0
        self._set_up()

    def _set_up(self):
        machine = self.scene.machine
        for route in self.scene.routes:
            router = self.routers[route.x, route.y]
            if route.switch is Switch.STAY:
                positions = router.routes.setdefault(route.color, [])
                while len(positions) <= route.position:
                    positions.append((0, 0))
                positions[route.position] = (route.taken, route.left)
            else:
                router.follow(route)
            router.position[route.color] = 0
            core = self.cores[route.y * self.columns + route.x]
            for port in PORTS:
                if route.taken >> port & 1 and (route.color, port) not in router.queues:
                    distance = machine.hop_cycles if port != RAMP else 1 + machine.ramp_cycles
                    queue = Queue(distance, machine.queue_depth)
                    router.queues[route.color, port] = queue
                    if port == RAMP:
                        core.out[route.color] = queue
            if route.left >> RAMP & 1 and route.color not in core.into:
                core.into[route.color] = Queue(machine.ramp_cycles, machine.queue_depth)

    def run(self, limit=100_000):
        """Run the step.  Returns (how it ended, cycles) as the simulator does."""
        cycle = 0
        while cycle <= limit:
            acted = self.step(cycle)
            if not acted and not self._something_comes(cycle):
                if any(core.finished_at is None for core in self.cores):
                    return BLOCKED, self.last_event
                return DONE, max(core.finished_at for core in self.cores)
            cycle += 1
        return STOPPED, cycle

    def _something_comes(self, cycle):
        """Whether anything is under way that will be there in a later cycle."""
        wavelets = any(
            queue.wavelets and queue.wavelets[0].ready > cycle for queue in self._queues()
        )
        return wavelets or any(
            core.finished_at is None and core.until > cycle for core in self.cores
        )

    def _queues(self):
        for router in self.routers.values():
            yield from router.queues.values()
        for core in self.cores:
            yield from core.into.values()

    def left_over(self):
        """Wavelets that nobody has taken."""
        return sum(len(queue.wavelets) for queue in self._queues())

    def step(self, cycle):
        """One cycle: all look, then all act.  Returns whether anybody did."""
        moves = self._choose(cycle)
        acts = [act for core in self.cores for act in self._core(core, cycle)]
        for move in moves:
            self._move(*move, cycle)
        for router, color, position in self.set_after:
            self.rewritten += router.position[color] != 0
            router.position[color] = position
        self.set_after = []
        for act in acts:
            act()
        tiles = {(router.x, router.y) for router, *_ in moves}
        tiles |= {act.tile for act in acts if act.tile is not None}
        self.active += len(tiles)
        if tiles:
            self.last_event = max(self.last_event, cycle + 1)
        return bool(moves or acts)

    # Routers.

    def _choose(self, cycle):
        """The moves of this cycle: who asks for links, and whom the links choose."""
        asking = []
        for router in self.routers.values():
            for (color, port), queue in router.queues.items():
                ways = router.ways(color, port)
                targets = [self._behind(router, color, out) for out in ways]
                if queue.first(cycle) and ways and all(target.has_room for target in targets):
                    asking.append((router, color, port, ways, targets))
        best = {}
        for router, color, port, ways, _ in asking:
            for out in ways:
                link = (router.x, router.y, out)
                best[link] = max(best.get(link, -1), (color * 5 + port + cycle) % 120)
        return [
            ask
            for ask in asking
            if all(
                best[ask[0].x, ask[0].y, out] == (ask[1] * 5 + ask[2] + cycle) % 120
                for out in ask[3]
            )
        ]

    def _behind(self, router, color, out):
        """The queue behind a port."""
        if out == RAMP:
            return self.cores[router.y * self.columns + router.x].into[color]
        there = self.routers[router.x + STEP[out][0], router.y + STEP[out][1]]
        return there.queues[color, OPPOSITE[out]]

    def _move(self, router, color, port, ways, targets, cycle):
        wavelet = router.queues[color, port].wavelets.popleft()
        for out, target in zip(ways, targets, strict=True):
            target.put(wavelet.value, wavelet.control & 1, cycle)
            link = (router.x, router.y, out)
            self.links[link] = self.links.get(link, 0) + 1
        self.copied += len(ways) - 1
        if wavelet.control:
            router.advance(color)

    # Cores.

    def _core(self, core, cycle):
        """What a core does in this cycle: a list of acts, to be done when all have looked."""
        acts = []
        while core.finished_at is None and core.until <= cycle:
            if core.state == "fetch":
                acts.append(Act(None, lambda: None))
                self._fetch(core, cycle)
            elif core.state == "work":
                self._end(core, cycle)
            else:
                wavelet_acts = self._stream(core, cycle)
                return acts + wavelet_acts
        return acts

    def _fetch(self, core, cycle):
        if core.at == len(core.steps):
            core.row, core.at, core.fresh = core.row + 1, 0, True
            if core.row == core.rows:
                core.finished_at = cycle
            return
        op, fields = core.steps[core.at]
        flags = fields.get("flags", 0)
        late, early = core.row != 0, core.row != core.rows - 1
        if (flags & LAST_ROW and early) or (flags & FIRST_ROW and late):
            core.at += 1
        elif op is Micro.ROUTE:
            self._set_route(core, fields)
            core.at += 1
        elif op is Micro.COMPUTE:
            self._compute(core, fields)
            self._begin(core, cycle)
            cycles = [fields.get(name, 0) for name in ("mac", "vector", "pipe")]
            for state, spent in zip((MAC, VECTOR, PIPE), cycles, strict=True):
                core.states[state] += spent
            core.state, core.until = "work", cycle + sum(cycles)
        elif fields["count"] == 0:
            self._end(core, cycle)
        else:
            core.state, core.until = "stream", cycle + fields.get("setup", 0)
            core.states[PIPE] += fields.get("setup", 0)
            core.halves = [Half(core.until), Half(core.until)]
            core.started, core.waited, core.since, core.choice = core.until, 0, None, 0

    def _set_route(self, core, fields):
        """Note what the core's router is set to when all have moved."""
        if fields["count"]:
            router = self.routers[core.number % self.columns, core.number // self.columns]
            self.set_after.append(
                (router, fields["out"], router.starts[fields["out"], fields["a1"]])
            )

    def _compute(self, core, fields):
        assert fields["kind"] == Kind.ADD
        reals = self.words.view(F32)
        for i in range(fields["a3"]):
            reals[fields["a2"] + i] = reals[fields["a0"] + i] + reals[fields["a1"] + i]

    def _begin(self, core, cycle):
        key = (core.row, core.fields.get("instruction", 0))
        self.begun[key] = min(self.begun.get(key, cycle), cycle)

    def _end(self, core, cycle):
        key = (core.row, core.fields.get("instruction", 0))
        self.ended[key] = max(self.ended.get(key, 0), cycle)
        self.last_event = max(self.last_event, cycle)
        core.fresh = False
        core.at, core.state, core.until = core.at + 1, "fetch", cycle

    def _stream(self, core, cycle):
        """Handle what wavelets the instruction can handle in this cycle."""
        op, fields = core.steps[core.at]
        count, rate = fields["count"], fields.get("rate", RATE_ONE)
        into = core.into[fields["into"]] if "into" in fields else None
        second = core.into[fields["into_2"]] if "into_2" in fields else None
        out = core.out[fields["out"]] if "out" in fields else None
        taking, giving = core.halves
        can_take = into is not None and into.first(cycle) is not None
        can_take = can_take and (second is None or second.first(cycle) is not None)
        can_give = out is not None and out.has_room
        if op is Micro.EXCHANGE:
            take = taking.done < count and taking.due(cycle) and can_take
            give = giving.done < count and giving.due(cycle) and can_give
            limited = any(half.done < count and not half.due(cycle) for half in core.halves)
        else:
            give = op in (Micro.SEND, Micro.REDUCE_SEND)
            take = op is not Micro.SEND
            limited = not taking.due(cycle)
            ready = not limited and (can_take or not take) and (can_give or not give)
            take, give = take and ready, give and ready
        if not (take or give or limited):
            if core.since is None:
                core.since = cycle
            return []
        if core.since is not None:
            core.waited += cycle - core.since
            if not core.fresh:
                core.states[STALL] += cycle - core.since
            core.since = None
        if not (take or give):
            return [Act(None, lambda: None)]
        if taking.done + giving.done == 0:
            self._begin(core, cycle)
        index = taking.done
        wavelet = into.wavelets[0] if take else None
        outgoing = giving.done if op is Micro.EXCHANGE else index
        sent = self._word(core, op, fields, outgoing, wavelet)
        last = outgoing + 1 == count
        flags = fields.get("flags", 0) if last else 0
        control = 1 if flags & CTRL else 2 if flags & ADVANCE else 0
        right = second.wavelets[0] if take and second is not None else None
        kept = self._kept(core, op, fields, index, wavelet, right) if take else None
        if take or op is not Micro.EXCHANGE:
            taking.went(cycle, rate)
        if give and op is Micro.EXCHANGE:
            giving.went(cycle, rate)
        finished = taking.done == count and (op is not Micro.EXCHANGE or giving.done == count)

        def act():
            if take:
                into.wavelets.popleft()
                self.taken += 1
            if right is not None:
                second.wavelets.popleft()
                self.taken += 1
            if kept is not None:
                self.words[kept[0]] = kept[1]
            if give:
                out.put(sent, control, cycle)
                self.sent += 1

        if finished:
            core.states[COMM] += cycle + 1 - core.started - core.waited
            core.state, core.until = "work", cycle + 1  # it ends when the cycle is over
        return [Act((core.number % self.columns, core.number // self.columns), act)]

    def _address(self, fields, index):
        split = fields.get("split", -1)
        if 0 <= split <= index:
            return fields["address_2"] + index - split
        return fields["address"] + index

    def _word(self, core, op, fields, index, wavelet):
        """The word that goes out."""
        if op is Micro.REDUCE_SEND:
            if wavelet is None:
                return None
            own = self.words[self._address(fields, index)]
            return self._reduce(core, fields, own, wavelet.value, index)
        return self.words[self._address(fields, index)] if "out" in fields else None

    def _kept(self, core, op, fields, index, wavelet, right):
        """(address, word) of what goes to memory."""
        if op is Micro.REDUCE_SEND:
            return None
        if op is Micro.EXCHANGE:
            address = fields["address_2"] + index
            if fields["kind"] == Reduce.TAKE:
                return address, wavelet.value
        else:
            address = self._address(fields, index)
            if op is Micro.RECEIVE:
                return address, wavelet.value
        if right is not None:
            return address, self._reduce(core, fields, wavelet.value, right.value, index)
        return address, self._reduce(core, fields, self.words[address], wavelet.value, index)

    def _reduce(self, core, fields, own, arrived, index):
        kind = Reduce(fields.get("kind", 0))
        if kind is Reduce.ADD_I32:
            return np.int32((int(own) + int(arrived) + 2**31) % 2**32 - 2**31)
        if kind is Reduce.ADD_F16X2:
            total = np.array([own]).view(np.float16) + np.array([arrived]).view(np.float16)
            return total.view(np.int32)[0]
        left, right = np.int32(own).view(F32), np.int32(arrived).view(F32)
        if kind is Reduce.ADD_F32:
            return F32(left + right).view(np.int32)
        if kind is Reduce.MAX_F32:
            return own if left >= right else arrived
        if index % 2 == 0:
            core.choice = 0 if left >= right else 1
        return own if core.choice == 0 else arrived


class Half:
    """One direction of an instruction: its wavelets so far and when the next may come."""

    def __init__(self, start):
        self.done = 0
        self.earliest = start * RATE_ONE  # in 2⁻¹⁶ cycles

    def due(self, cycle):
        return cycle * RATE_ONE >= self.earliest

    def went(self, cycle, rate):
        late = cycle > ceil(self.earliest / RATE_ONE)
        self.earliest = (cycle * RATE_ONE if late else self.earliest) + rate
        self.done += 1


class Act:
    """Something to be done when everybody has looked, and the tile it is done at."""

    def __init__(self, tile, do):
        self.tile, self.do = tile, do

    def __call__(self):
        self.do()
