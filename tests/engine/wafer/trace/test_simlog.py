"""`sim.log`: read back by the published grammar, and held against the simulator's accounts."""

from collections import Counter, defaultdict

import pytest

from engine.wafer.program.states import State
from engine.wafer.trace.simlog import SimLog
from tests.engine.wafer.trace import grammar
from tests.engine.wafer.trace.scene import SMALL, traced

STEP = {"E": (1, 0), "N": (0, -1), "W": (-1, 0), "S": (0, 1)}


def text(trace, *, wavelets=True):
    return "".join(SimLog(trace).text(wavelets=wavelets))


@pytest.fixture(scope="module")
def log(whole):
    return grammar.read(text(whole))


def place(event):
    return int(event["x"]), int(event["y"])


def test_every_line_has_a_form_of_the_grammar(simulated):
    events = grammar.read(text(simulated))

    assert events["dimensions"][0]["width"] == str(simulated.columns)
    assert len(events["tile"]) == simulated.window.width * simulated.window.height
    assert events["flags"][0]["wavelets"] == events["flags"][0]["inst"] == "1"
    assert {"landing", "wavelet", "issue", "execute", "idle", "starved", "writing", "sending"} <= {
        *events
    }
    assert max(int(e["cycle"]) for e in events["wavelet"]) < simulated.cycles


def test_wavelets_that_leave_are_those_the_links_counted(whole, log):
    left = Counter()
    for event in log["wavelet"]:
        for port, letter in enumerate(event["departing"]):
            left[*place(event), port] += letter != " "

    links = whole.links
    assert sum(left.values()) == links.sum() > 0
    for (x, y, port), count in left.items():
        assert links[y, x, port] == count


def test_a_wavelet_lands_where_the_one_before_left_for(whole, log):
    """Every wavelet is followed from router to router, a hop a cycle, by its name alone."""
    hops = defaultdict(list)
    for event in log["wavelet"]:
        hops[event["ident"]].append(event)
    landed = {
        (event["ident"], *place(event), int(event["cycle"]))
        for event in log["wavelet"]
        if event["landing"] != "-"
    }
    followed = 0
    for event in log["wavelet"]:
        x, y = place(event)
        for letter in event["departing"].replace("R", "").replace(" ", ""):
            there = x + STEP[letter][0], y + STEP[letter][1]
            assert (event["ident"], *there, int(event["cycle"]) + 1) in landed
            followed += 1
    assert followed == whole.links[..., :4].sum()
    assert all(len({e["data"] for e in of}) == 1 for of in hops.values())


def test_every_wavelet_is_sent_once(log):
    sent = [event["ident"] for event in log["sending"]]
    born = [event["ident"] for event in log["wavelet"] if event["landing"] == "R"]

    assert sorted(sent) == sorted(born)
    assert len(set(sent)) == len(sent) == len(log["writing"])


def test_names_go_on_over_tokens(simulated):
    sent = [event["ident"] for event in grammar.read(text(simulated))["sending"]]
    assert len(set(sent)) == len(sent)


def test_landings_alone_are_the_same_landings(simulated):
    short = grammar.read(text(simulated, wavelets=False))

    assert short["flags"][0]["wavelets"] == "0"
    assert not short["wavelet"]
    assert short["landing"] == grammar.read(text(simulated))["landing"]


def test_instructions_are_issued_before_they_execute(simulated, log):
    issued = Counter(place(event) for event in log["issue"])
    executed = Counter((*place(event), event["pc"]) for event in log["execute"])

    for x, y in issued:
        assert issued[x, y] == sum(1 for key in executed if key[:2] == (x, y))


def test_cores_execute_as_long_as_their_states_say(whole, log):
    """From a line that executes to the next one of its core; dispatch is pipe, and not executed."""
    busy, since, dispatched = Counter(), {}, Counter()
    for form, event in log["all"]:
        if form in ("execute", "idle"):
            core, cycle = place(event), int(event["cycle"])
            if core in since:
                busy[core] += cycle - since.pop(core)
            if form == "execute":
                since[core] = cycle
        if form == "issue":
            streams = any(word in event["what"] for word in ("SEND", "RECEIVE", "REDUCE"))
            dispatched[place(event)] += streams * SMALL.dispatch_cycles
    assert not since
    for (x, y), cycles in busy.items():
        states = whole.states[y, x]
        worked = states[State.MAC] + states[State.VECTOR] + states[State.COMM]
        assert cycles == worked + states[State.STALL_PIPE] - dispatched[x, y]


def test_the_same_run_makes_the_same_log(simulated):
    """But for the line that is measured; also where the simulator visits backwards."""
    again = traced("cycle", tokens=2, reverse=True)

    def lines(trace):
        return [line for line in text(trace).splitlines() if "Simulation used" not in line]

    assert lines(simulated) == lines(again)


def test_a_region_says_what_the_whole_says_of_it(whole):
    """Names differ, and wavelets from outside have no birth; the rest is the same."""
    window = (whole.corner[0] + 1, whole.corner[1], 3, 2)
    part = grammar.read(text(traced("cycle", tokens=1, region=window)))
    everything = grammar.read(text(whole))

    for form in ("landing", "issue", "execute", "idle", "starved", "writing"):
        inside = [e for e in everything[form] if 1 <= int(e["x"]) < 4 and int(e["y"]) < 2]
        assert part[form] == inside, form


def test_the_estimate_is_near(simulated):
    for wavelets in (True, False):
        size = len(text(simulated, wavelets=wavelets).encode())
        assert SimLog(simulated).estimate(wavelets=wavelets) == pytest.approx(size, rel=0.05)


def test_the_fast_tier_invents_nothing(by_formula):
    events = grammar.read(text(by_formula))

    assert {*events} - {"all"} == {
        "create", "dimensions", "flags", "architecture", "emulated", "formula",
    }  # fmt: skip
    assert events["flags"][0]["inst"] == "0"
    assert events["formula"][0]["cycle"] == str(by_formula.cycles)
