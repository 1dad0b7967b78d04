"""Small fabrics to be run by the simulator and by the slow reference: routes, programs, memory.

A `Scene` says everything by color and core, before any table is made; `random_scene` draws one.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from engine.wafer.fabric import simulator
from engine.wafer.fabric.micro import (
    ADVANCE,
    CTRL,
    FIRST_ROW,
    LAST_ROW,
    Kind,
    Micro,
    Programs,
    Reduce,
    rate,
)
from engine.wafer.fabric.network import OPPOSITE, RAMP, STEP, Network, Switch, bit
from engine.wafer.fabric.state import Accounts
from engine.wafer.program import machine
from engine.wafer.program.machine import MachineSpec

INSTRUCTIONS = 8
"""Numbers of Program instructions that random programs book on."""


@dataclass(frozen=True)
class Route:
    color: int
    x: int
    y: int
    taken: int
    left: int
    position: int = 0
    pattern: int = 0
    switch: Switch = Switch.STAY


@dataclass
class Scene:
    """A rectangle of cores with its routes, programs and memory."""

    machine: MachineSpec
    columns: int
    rows: int
    routes: list[Route] = field(default_factory=list)
    steps: list[tuple[int, Micro, dict[str, Any]]] = field(default_factory=list)
    """(core, what, fields); ``into`` and ``out`` are colors."""
    words: np.ndarray = field(default_factory=lambda: np.zeros(1, np.int32))
    step_rows: int = 1

    def route(self, color: int, x: int, y: int, taken: int, left: int, position: int = 0) -> None:
        self.routes.append(Route(color, x, y, taken, left, position))

    def follow(
        self, color: int, x: int, y: int, taken: int, left: int, pattern: int, switch: Switch
    ) -> None:
        """Add a position to a pattern of a color: see `Network.follow`."""
        self.routes.append(Route(color, x, y, taken, left, -1, pattern, switch))

    def add(self, core: int, op: Micro, **fields: Any) -> None:
        self.steps.append((core, op, fields))

    def network(self) -> Network:
        network = Network(self.machine, self.columns, self.rows)
        for route in self.routes:
            ports = route.taken, route.left
            if route.switch is Switch.STAY:
                network.route(route.color, route.x, route.y, *ports, route.position)
            else:
                at = np.array([route.x]), np.array([route.y])
                network.follow(route.color, *at, *ports, route.pattern, route.switch)
        return network

    def fabric(self) -> simulator.Fabric:
        """The simulator's form of the scene; its memory is a copy."""
        network = self.network()
        net = network.build()
        programs = Programs(self.columns * self.rows)
        for core, op, fields in self.steps:
            channels = dict(fields)
            place = divmod(core, self.columns)
            if op is Micro.ROUTE:
                switch, start = network.start(fields["out"], fields["a1"])
                channels |= {"out": -1, "a0": switch[place], "a1": start[place]}
            if "into_2" in fields:
                channels["a0"] = network.outlet(channels.pop("into_2"))[place]
            if "into" in fields:
                channels["into"] = network.outlet(fields["into"])[place]
            if "out" in fields and op is not Micro.ROUTE:
                channels["out"] = network.inlet(fields["out"])[place]
            programs.add(core, op, **channels)
        table, first = programs.tables()
        return simulator.new_fabric(
            net,
            table,
            first,
            self.words.copy(),
            accounts=Accounts(self.step_rows, INSTRUCTIONS),
        )


def random_scene(seed: int, *, crossing: bool = True, exchange: bool = True) -> Scene:
    """Draw a small fabric with merging, multicast and switched colors that share links."""
    rng = np.random.default_rng(seed)
    spec = replace(
        machine.get("tiny"),
        hop_cycles=int(rng.integers(0, 4)), ramp_cycles=int(rng.integers(0, 4)),
        queue_depth=int(rng.integers(1, 5)),
    )  # fmt: skip
    scene = Scene(spec, int(rng.integers(1, 6)), int(rng.integers(1, 5)))
    scene.step_rows = int(rng.integers(1, 4))
    draw = _Drawing(scene, rng, exchange)
    for color in range(int(rng.integers(1, 7))):
        draw.color(color)
    draw.compute()
    draw.shuffle()
    scene.words = rng.integers(-1000, 1000, draw.used + 1).astype(np.int32)
    reals = scene.words.view(np.float32)
    reals[:] = scene.words.astype(np.float32) / 7
    return scene


class _Drawing:
    def __init__(self, scene: Scene, rng: np.random.Generator, exchange: bool) -> None:
        self.scene, self.rng, self.exchange = scene, rng, exchange
        self.used = 0
        self.cores = scene.columns * scene.rows

    def memory(self, words: int) -> int:
        self.used += words
        return self.used - words

    def color(self, color: int) -> None:
        """Draw a tree of routers; the color runs to its root, or from its root to all."""
        tree = self._tree()
        count = int(self.rng.integers(1, 7))
        if self.rng.random() < 0.5:
            self._merge(color, tree, count)
        else:
            self._spread(color, tree, count)

    def _tree(self) -> dict[tuple[int, int], tuple[tuple[int, int], int] | None]:
        """Router → (its parent, port towards it); the root's is None."""
        columns, rows = self.scene.columns, self.scene.rows
        at = (int(self.rng.integers(columns)), int(self.rng.integers(rows)))
        tree: dict[tuple[int, int], tuple[tuple[int, int], int] | None] = {at: None}
        for _ in range(int(self.rng.integers(0, 2 * self.cores))):
            x, y = list(tree)[int(self.rng.integers(len(tree)))]
            port = int(self.rng.integers(4))
            there = (x + STEP[port][0], y + STEP[port][1])
            inside = 0 <= there[0] < columns and 0 <= there[1] < rows
            if inside and there not in tree:
                tree[there] = ((x, y), OPPOSITE[port])
        return tree

    def _merge(self, color: int, tree: Any, count: int) -> None:
        senders = {at for at in tree if tree[at] is not None and self.rng.random() < 0.6}
        parents = {way[0] for way in tree.values() if way}
        senders |= {at for at in tree if tree[at] is not None and at not in parents}
        arrivals = dict.fromkeys(tree, 0)
        switched = self.rng.random() < 0.4
        switch = Switch(int(self.rng.integers(3)))
        for at, way in tree.items():
            ports = [OPPOSITE[w[1]] for w in tree.values() if w and w[0] == at]
            left = RAMP if way is None else way[1]
            if at in senders:
                ports.append(RAMP)
            if not ports:
                continue
            if switched and 1 < len(ports) <= 4 - (switch is Switch.CLOSE):
                self.rng.shuffle(ports)
                self._switched(color, at, ports, bit(left), switch)
            else:
                self.scene.route(color, *at, bit(*ports), bit(left))
        for at in senders:
            self._send(color, at, count)
            arrivals[next(iter(tree))] += count
        root = next(iter(tree))
        if arrivals[root]:
            self._take(color, root, arrivals[root])

    def _switched(
        self, color: int, at: tuple[int, int], ports: list[int], left: int, switch: Switch
    ) -> None:
        """Give a router a position for each port; where it closes, let its core set it."""
        for position, port in enumerate(ports):
            if switch is Switch.STAY:
                self.scene.route(color, *at, bit(port), left, position)
            else:
                self.scene.follow(color, *at, bit(port), left, 0, switch)
        core = at[1] * self.scene.columns + at[0]
        for count in self.rng.integers(0, 2, 3 if switch is Switch.CLOSE else 0).tolist():
            self.scene.add(core, Micro.ROUTE, out=color, a1=0, count=count)

    def _spread(self, color: int, tree: Any, count: int) -> None:
        if len(tree) == 1:
            return
        root = next(iter(tree))
        for at, way in tree.items():
            ports = [OPPOSITE[w[1]] for w in tree.values() if w and w[0] == at]
            leaf = not ports
            if way is not None and (leaf or self.rng.random() < 0.5):
                ports.append(RAMP)
                self._take(color, at, count)
            self.scene.route(color, *at, bit(RAMP if way is None else way[1]), bit(*ports))
        self._send(color, root, count)

    def _timing(self) -> dict[str, Any]:
        return {
            "rate": rate(float(self.rng.choice([1.0, 1.0, 1.125, 1.5, 2.0, 3.3]))),
            "setup": int(self.rng.choice([0, 0, 1, 5])),
            "instruction": int(self.rng.integers(INSTRUCTIONS)),
        }

    def _send(self, color: int, at: tuple[int, int], count: int) -> None:
        core = at[1] * self.scene.columns + at[0]
        fields = self._timing() | {"address": self.memory(count), "count": count, "out": color}
        if count > 1 and self.rng.random() < 0.2:
            fields |= {"split": int(self.rng.integers(1, count)), "address_2": self.memory(count)}
        fields["flags"] = int(self.rng.choice([0, CTRL, CTRL, ADVANCE]))
        self.scene.add(core, Micro.SEND, **fields)

    def _take(self, color: int, at: tuple[int, int], count: int) -> None:
        core = at[1] * self.scene.columns + at[0]
        fields = self._timing() | {"address": self.memory(count), "count": count, "into": color}
        op = Micro.RECEIVE if self.rng.random() < 0.5 else Micro.REDUCE
        if op is Micro.REDUCE:
            fields["kind"] = int(self.rng.integers(5))
        self.scene.add(core, op, **fields)

    def compute(self) -> None:
        for _ in range(int(self.rng.integers(0, 2 * self.cores))):
            n = int(self.rng.integers(1, 4))
            flags = int(self.rng.choice([0, 0, 0, 0, 0, 0, 0, LAST_ROW, FIRST_ROW]))
            self.scene.add(
                int(self.rng.integers(self.cores)), Micro.COMPUTE, kind=Kind.ADD, flags=flags,
                a0=self.memory(n), a1=self.memory(n), a2=self.memory(n), a3=n,
                mac=int(self.rng.integers(3)), vector=int(self.rng.integers(5)),
                pipe=int(self.rng.integers(2000) if self.rng.random() < 0.05 else 0),
                instruction=int(self.rng.integers(INSTRUCTIONS)),
            )  # fmt: skip

    def shuffle(self) -> None:
        """Let cores do their steps in any order; a SEND and a take may become one instruction."""
        steps = self.scene.steps
        order = self.rng.permutation(len(steps)) if self.rng.random() < 0.4 else range(len(steps))
        self.scene.steps = steps = [steps[i] for i in order]
        for i in range(len(steps)):
            for j in range(len(steps)):
                if i != j and steps[i] and steps[j] and self.rng.random() < 0.7:
                    self._fuse(steps, i, j)
                    self._join(steps, i, j)
        self.scene.steps = [step for step in steps if step]

    def _join(self, steps: Any, i: int, j: int) -> None:
        """Let two takes of a core become one of both."""
        if not (steps[i] and steps[j]) or steps[i][0] != steps[j][0]:
            return
        (core, op, left), (_, other, right) = steps[i], steps[j]
        takes = {op, other} <= {Micro.RECEIVE, Micro.REDUCE}
        if not takes or left["count"] != right["count"] or left["into"] == right["into"]:
            return
        kind = left.get("kind", int(Reduce.ADD_F32))
        steps[i] = (core, Micro.JOIN, left | {"into_2": right["into"], "kind": kind})
        steps[j] = None

    def _fuse(self, steps: Any, i: int, j: int) -> None:
        (core, op, send), (other, taken, take) = steps[i], steps[j]
        if core != other or op is not Micro.SEND or taken not in (Micro.RECEIVE, Micro.REDUCE):
            return
        if send["count"] != take["count"]:
            return
        kind = take.get("kind", int(Reduce.ADD_F32))
        fields = send | {"into": take["into"], "kind": kind}
        if self.exchange and self.rng.random() < 0.5 and "split" not in send:
            steps[i] = (core, Micro.EXCHANGE, fields | {"address_2": take["address"]})
        else:
            steps[i] = (core, Micro.REDUCE_SEND, fields)
        steps[j] = None
