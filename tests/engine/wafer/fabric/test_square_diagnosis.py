"""What a simulation that cannot finish says; and what is refused before it starts."""

from contextlib import nullcontext
from dataclasses import replace

import numpy as np
import pytest

from engine.errors import FabricError, PlacementError
from engine.wafer.fabric.diagnosis import diagnose
from engine.wafer.fabric.micro import Kind, Micro, Programs
from engine.wafer.fabric.network import EAST, NORTH, RAMP, SOUTH, WEST, Network, Switch, bit
from engine.wafer.program import machine
from tests.engine.wafer.fabric import lines, tamper
from tests.engine.wafer.fabric.scenes import Scene, random_scene, simulator

WSE2 = machine.get("wse2")


def blocked(scene):
    fabric = scene.fabric()
    assert simulator.simulate(fabric, 0, scene.step_rows, 10_000)[0] == simulator.BLOCKED
    return diagnose(fabric)


def two_by_two():
    """Color 0 runs east along row 0, color 1 west along row 1, 2 south, 3 north."""
    scene = Scene(WSE2, 2, 2)
    scene.words = np.zeros(200, np.int32)
    ways = ((0, (0, 0), EAST, (1, 0)), (1, (1, 1), WEST, (0, 1)),
            (2, (1, 0), SOUTH, (1, 1)), (3, (0, 1), NORTH, (0, 0)))  # fmt: skip
    for color, start, port, end in ways:
        scene.route(color, *start, bit(RAMP), bit(port))
        scene.route(color, *end, bit((port + 2) % 4), bit(RAMP))
    return scene


def test_cores_that_wait_for_each_other_are_named_in_a_circle():
    scene = two_by_two()
    scene.add(0, Micro.SEND, address=0, count=1, out=0, instruction=4)
    for core, into, out in ((0, 3, 0), (1, 0, 2), (3, 2, 1), (2, 1, 3)):
        if core == 1:
            scene.add(core, Micro.RECEIVE, address=0, count=1, into=0, instruction=5)
        scene.add(core, Micro.RECEIVE, address=0, count=1, into=into, instruction=6)
        scene.add(core, Micro.SEND, address=0, count=1, out=out, instruction=7)
    found = blocked(scene)
    assert found.unfinished == 4
    assert found.colors == (0, 1, 2, 3)
    assert {core.waits_for for core in found.cores} == {"wavelet"}
    assert [name for name in found.circle if name.startswith("core")] == [
        "core (0, 0)", "core (0, 1)", "core (1, 1)", "core (1, 0)",
    ]  # fmt: skip
    assert found.last_instruction.startswith("RECEIVE, instruction 5 of the Program, core (1, 0)")
    assert found.last_wavelet.startswith("C0 through router (1, 0)")
    assert found.text().splitlines()[0] == (
        f"@{found.cycle} {found.since_instruction} cycles since an instruction was executed, "
        f"{found.since_landing} cycles since a wavelet landed"
    )
    assert "they wait in a circle: core (0, 0) → " in found.text()


def test_a_sender_without_room_and_the_core_that_does_not_take_are_named():
    scene = two_by_two()
    scene.add(0, Micro.SEND, address=0, count=100, out=0, instruction=3)
    scene.add(1, Micro.RECEIVE, address=0, count=2, into=0)
    found = blocked(scene)
    (core,) = found.cores
    assert (core.x, core.y, core.color, core.waits_for, core.wavelets) == (0, 0, 0, "room", 100)
    assert core.instruction == 3
    assert found.circle == ()
    assert found.dead_ends == ("core (1, 0), which has finished",)
    assert {queue.color for queue in found.queues} == {0}
    assert any(queue.waits_for == "their core" for queue in found.queues)


def test_a_lost_wavelet_is_told_by_who_waits_and_who_has_finished():
    fabric = lines.chain(WSE2, 4, 3).fabric()
    simulator.simulate(fabric, limit=3)
    tamper.drop(fabric, tamper.waiting(fabric)[0])
    assert simulator.simulate(fabric)[0] == simulator.BLOCKED
    found = diagnose(fabric)
    assert [(core.x, core.handled) for core in found.cores] == [(0, 2), (1, 2), (2, 2)]
    assert found.dead_ends == ("core (3, 0), which has finished",)


def test_a_closed_switch_is_named():
    scene = Scene(WSE2, 3, 1)
    scene.words = np.zeros(9, np.int32)
    scene.route(0, 0, 0, bit(EAST), bit(RAMP))
    scene.route(0, 1, 0, bit(RAMP), bit(WEST), 0)
    scene.route(0, 1, 0, bit(EAST), bit(WEST), 1)
    scene.route(0, 2, 0, bit(RAMP), bit(WEST))
    scene.add(1, Micro.SEND, address=0, count=1, out=0)  # without CTRL
    scene.add(2, Micro.SEND, address=0, count=1, out=0)
    scene.add(0, Micro.RECEIVE, address=0, count=2, into=0)
    found = blocked(scene)
    assert "C0 at (1, 0) from E: 1 wavelets wait for their switch" in found.text()
    assert "core (1, 0), which has finished" in found.dead_ends


def test_every_blocked_random_fabric_gets_a_diagnosis_with_a_cause():
    told = 0
    for seed in range(80):
        scene = random_scene(seed)
        fabric = scene.fabric()
        if simulator.simulate(fabric, 0, scene.step_rows, 100_000)[0] == simulator.BLOCKED:
            found = diagnose(fabric)
            assert found.unfinished == len(found.cores) > 0
            assert found.circle or found.dead_ends
            assert len(found.text().splitlines()) < 40
            told += 1
    assert told > 5


def test_a_step_that_met_its_limit_can_be_diagnosed_too():
    fabric = lines.chain(WSE2, 40, 3).fabric()
    assert simulator.simulate(fabric, limit=50)[0] == simulator.STOPPED
    assert diagnose(fabric).cycle == 51


# What is refused before it starts.


def simple(**fields):
    scene = two_by_two()
    scene.add(0, fields.pop("op", Micro.SEND), **({"address": 0, "count": 4, "out": 0} | fields))
    return scene


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"address": 198}, r"core \(0, 0\): SEND, instruction 0 .* outside .* \(ADDRESS = 198\)"),
        ({"address": -1}, r"ADDRESS = -1"),
        ({"split": 2, "address_2": 199}, r"ADDRESS_2 = 199"),
        ({"count_at": 200}, r"COUNT_AT = 200"),
        ({"instruction": 8}, r"the Program has 8 \(INSTRUCTION = 8\)"),
        ({"rate": 65535}, r"at most one wavelet a cycle"),
        ({"op": Micro.REDUCE, "into": 3, "kind": 5}, r"no such reduction \(KIND = 5\)"),
        ({"tap": 0, "tap_count": 1}, r"observers asked for 0 words"),
        ({"op": Micro.COMPUTE, "kind": int(Kind.ADD), "a1": 200}, r"ADD.* \(A1 = 200\)"),
        ({"op": Micro.COMPUTE, "kind": 99}, r"no such COMPUTE"),
    ],
)
def test_an_instruction_that_reaches_outside_is_refused(fields, message):
    with pytest.raises(FabricError, match=message):
        simple(**fields).fabric()


@pytest.mark.parametrize(("field", "owner"), [("into", 1), ("out", 0)])
def test_a_channel_of_another_core_is_refused(field, owner):
    scene = two_by_two()
    network = scene.network()
    net = network.build()
    channels = network.outlet(0) if field == "into" else network.inlet(0)
    channel = int(channels.reshape(-1)[owner])
    assert channel >= 0
    for core in range(4):
        programs = Programs(4)
        op = Micro.RECEIVE if field == "into" else Micro.SEND
        programs.add(core, op, count=1, **{field: channel})
        table, first = programs.tables()
        if core == owner:
            simulator.new_fabric(net, table, first, scene.words)
        else:
            with pytest.raises(FabricError, match="no route"):
                simulator.new_fabric(net, table, first, scene.words)


def test_a_switch_of_another_router_or_a_position_it_lacks_is_refused():
    network = Network(WSE2, 2, 1)
    for x, taken, left in ((0, RAMP, EAST), (1, WEST, RAMP)):
        at = np.array([x]), np.array([0])
        network.follow(0, *at, bit(taken), bit(left), 0, Switch.CLOSE)
    net = network.build()
    for fields, message in (
        ({"a0": 0, "a1": 1}, None),
        ({"a0": 1, "a1": 1}, r"no switch of the core's router \(A0 = 1\)"),
        ({"a0": 0, "a1": 2}, r"the switch has no such position \(A1 = 2\)"),
    ):
        programs = Programs(2)
        programs.add(0, Micro.ROUTE, count=1, **fields)
        table, first = programs.tables()
        with pytest.raises(FabricError, match=message) if message else nullcontext():
            simulator.new_fabric(net, table, first, np.zeros(1, np.int32))


def test_more_positions_than_a_switch_has_are_refused():
    network = Network(WSE2, 1, 1)
    at = np.zeros(1, np.int64), np.zeros(1, np.int64)
    for _ in range(3):
        network.follow(0, *at, bit(RAMP), bit(RAMP), 0, Switch.CLOSE)
    with pytest.raises(PlacementError, match="more than 3 switch positions of a pattern"):
        network.follow(0, *at, bit(RAMP), bit(RAMP), 0, Switch.CLOSE)


def test_a_core_may_be_confined_to_its_own_memory():
    scene = simple(address=48)
    network = scene.network()
    net = network.build()
    programs = Programs(4)
    programs.add(0, Micro.SEND, address=48, count=4, out=network.inlet(0)[0, 0])
    table, first = programs.tables()
    simulator.new_fabric(net, table, first, scene.words)
    with pytest.raises(FabricError, match=r"outside the core's memory \(ADDRESS = 48\)"):
        simulator.new_fabric(net, table, first, scene.words, memory=np.arange(0, 201, 50))


def test_memory_that_is_not_one_array_of_words_is_refused():
    scene = simple()
    net = scene.network().build()
    table, first = Programs(4).tables()
    with pytest.raises(FabricError, match="contiguous"):
        simulator.new_fabric(net, table, first, scene.words[::2])
    with pytest.raises(FabricError, match="programs for 3 cores on a fabric of 4"):
        simulator.new_fabric(net, table, first[:-1], scene.words)


def test_routes_that_no_router_can_have_are_refused():
    network = Network(WSE2, 3, 1)
    network.route(0, 0, 0, bit(RAMP), bit(EAST))
    network.route(0, 0, 0, bit(RAMP), bit(EAST))  # the same again is the same
    with pytest.raises(PlacementError, match="another route at one of these routers"):
        network.route(0, 0, 0, bit(RAMP), bit(EAST, WEST))
    with pytest.raises(PlacementError, match=r"leaves router \(0, 0\) by its E port"):
        network.build()
    with pytest.raises(PlacementError, match="color 21 asked for; wse2 has 21"):
        network.route(21, 0, 0, bit(RAMP), bit(EAST))
    with pytest.raises(PlacementError, match="switch position 4 asked for; a router has 4"):
        network.route(1, 0, 0, bit(RAMP), bit(EAST), 4)
    edge = Network(WSE2, 2, 1)
    edge.route(0, 1, 0, bit(RAMP), bit(EAST))
    with pytest.raises(PlacementError, match="no router there takes it"):
        edge.build()


def test_more_colors_than_a_link_can_take_turns_for_are_refused():
    network = Network(replace(WSE2, colors=40), 2, 1)
    network.route(30, 0, 0, bit(RAMP), bit(EAST))
    network.route(30, 1, 0, bit(WEST), bit(RAMP))
    with pytest.raises(PlacementError, match="24 colors"):
        simulator.new_fabric(network.build(), *Programs(2).tables(), np.zeros(1, np.int32))
