"""Logs read and aligned: a vendor's form, another place and other colors, what differs where."""

import json
import re
from pathlib import Path

import pytest

import engine
from engine.errors import TraceError
from engine.wafer.trace.compare_files import LogQuestion, compare_log_files, describe_log
from engine.wafer.trace.log_comparison import compare_logs
from engine.wafer.trace.log_events import read_events
from tests.engine.wafer.trace import grammar

PROGRAMS = Path(engine.__file__).parent / "wafer" / "programs"
HEAD = "@0 GITREV=0, GITCLEAN=1\n@0 dimX=4, dimY=1\n@0 Simtile is: hwtile\n"


def landing(cycle, x, color=0, link="W", y=0):
    return f"@{cycle} P{x}.{y} (hwtile) landing C{color} from link {link},\n"


def events(*lines, head=HEAD):
    return read_events((head + "".join(lines)).splitlines(), "a.log")


def issue(cycle, address, task, x=0):
    return f"@{cycle} P{x}.0: [IS OP] ^ 0x{address:04x}: T{task:02d} FADDS Dest:R1 Src0:R2\n"


def execute(cycle, address, task, x=0):
    return f"@{cycle} P{x}.0: ^1 [EX OP] ^ 0x{address:04x}: T{task:02d} FADDS\n"


def idle(cycle, x=0):
    return f"@{cycle} P{x}.0: [EX OP] IDLE\n"


# ── reading ─────────────────────────────────────────────────────────────────────────────────


def test_landings_are_read_and_what_no_viewer_reads_is_passed_over():
    found = events(
        landing(7, 1, 3, "E"),
        "@8 LW36 (iotile) landing C21 from link E,\n",
        "@8 P1.0: Some new message\n",
        "no cycle at all\n",
        landing(9, 2, 3, "R"),
    )

    assert found.landings.tolist() == [[7, 1, 0, 3, 0], [9, 2, 0, 3, 4]]
    assert (found.columns, found.rows, found.last_cycle, found.misread) == (4, 1, 9, 0)


def test_without_landings_the_wavelets_that_land_count():
    wavelet = (
        "@{} P1.0 (hwtile) wavelet C2 ctrl=0, idx=0001, data=0001 (1(1)), half=0, ident=a "
        "landing={} departing=/E    /\n"
    )
    found = events(wavelet.format(5, "W"), wavelet.format(6, "-"))

    assert found.landings.tolist() == [[5, 1, 0, 2, 2]]


def test_a_line_of_a_known_kind_and_another_form_is_counted_and_kept():
    found = events(landing(7, 1), landing(8, 1).replace("from link W", "from W"))

    assert found.misread == 1
    assert found.first_misread.startswith("line 5: @8 P1.0 (hwtile) landing C0 from W")


def test_numbers_that_no_fabric_has_are_another_form():
    far = landing(10**30, 1), landing(1, 10**9), landing(1, 1, 10**9)
    found = events(*far, issue(10**30, 1, 1), execute(1, 1, 10**9))

    assert (len(found.landings), len(found.tasks), found.misread) == (0, 0, 5)


def test_a_task_runs_from_its_first_instruction_until_its_core_stands_still():
    found = events(
        issue(3, 16, 9), execute(4, 16, 9), issue(5, 17, 9), execute(6, 17, 9), idle(8),
        execute(11, 17, 9), idle(12),  # it had waited
        issue(20, 16, 9), execute(21, 16, 9),
        issue(22, 40, 5), execute(25, 40, 5), idle(27),
    )  # fmt: skip

    assert sorted(found.tasks.tolist()) == [[3, 12, 0, 0, 9], [20, 25, 0, 0, 9], [22, 27, 0, 0, 5]]


def test_a_file_without_a_size_is_no_log():
    with pytest.raises(TraceError, match=r"a\.log is no sim\.log"):
        events(landing(1, 1), head="")


# ── aligning ────────────────────────────────────────────────────────────────────────────────


def test_cycles_count_from_the_first_common_event_and_wavelets_keep_their_order():
    theirs = events(*(landing(100 + 3 * k, 1) for k in range(4)))
    ours = events(*(landing(10 + 2 * k, 1) for k in range(5)))

    found = compare_logs(theirs, ours)

    assert (found.zero, found.span) == ((100, 10), (9, 6))
    (row,) = found.wavelets
    assert (row["common"], row["only_theirs"], row["only_ours"]) == (4, 0, 1)
    assert (row["same_cycle"], row["least_difference"], row["mean_difference"]) == (1, -3, -1.5)
    assert found.first is not None
    assert (found.first.what, found.first.number) == ("C0 from W", 1)
    assert (found.first.theirs, found.first.ours) == (3, 2)


def test_the_farthest_event_of_each_core_comes_first():
    ours = events(landing(0, 0), *(landing(5, x) for x in (1, 2, 3)))
    theirs = events(landing(0, 0), landing(4, 1), landing(9, 2), landing(5, 3))

    found = compare_logs(theirs, ours, worst=5)

    assert [(each.x, each.ours - each.theirs) for each in found.worst] == [(2, -4), (1, 1)]
    assert len(compare_logs(theirs, ours, worst=1).worst) == 1


def test_colors_are_told_by_where_they_land_or_given():
    ours = events(landing(0, 1, 0), landing(1, 2, 1), landing(2, 3, 1))
    theirs = events(landing(0, 1, 8), landing(1, 2, 5), landing(2, 3, 5), landing(0, 0, 21))

    assert compare_logs(theirs, ours).colors == {8: 0, 5: 1}
    alike, one = events(landing(0, 1, 0), landing(1, 1, 1)), events(landing(0, 1, 8))
    with pytest.raises(TraceError, match="no event in common"):
        compare_logs(one, alike)
    assert compare_logs(one, alike, colors={8: 1}).zero == (0, 1)


def test_fabrics_of_sizes_that_tell_no_place_need_an_offset():
    other = HEAD.replace("dimX=4, dimY=1", "dimX=9, dimY=9")
    theirs = events(landing(0, 4, y=3), head=other)
    ours = events(landing(0, 1))

    with pytest.raises(TraceError, match="--offset X,Y"):
        compare_logs(theirs, ours)
    assert compare_logs(theirs, ours, offset=(3, 3)).wavelets[0]["common"] == 1


# ── programs and files ──────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def log(tmp_path_factory):
    """A stencil's log with every wavelet."""
    path = tmp_path_factory.mktemp("log") / "sim.log"
    engine.run_wafer_program(PROGRAMS / "stencil-wse2.toml", iterations=4, log=path)
    return path


def test_the_log_of_a_program_has_the_published_grammar(log):
    found = grammar.read(log.read_text())

    assert found["dimensions"][0] == {"cycle": "0", "width": "10", "height": "10"}
    lands = {e["color"] for e in found["landing"]}
    assert lands == {"0", "1", "2", "3", "4", "5"}


def as_the_vendor(text):
    """The same run in a fabric with host columns, colors one higher, after the host's work."""

    def move(found):
        return f"@{int(found[1]) + 500} P{int(found[2]) + 4}.{int(found[3]) + 1}"

    event = re.compile(r"@\d+ P\d+\.\d+(:| \(hwtile\) (landing|wavelet))")
    body = "\n".join(line for line in text.splitlines() if event.match(line))
    body = re.sub(r"@(\d+) P(\d+)\.(\d+)", move, body)
    body = re.sub(r"\bC(\d+)\b", lambda found: f"C{int(found[1]) + 1}", body)
    host = "@3 P4.0 (hwtile) landing C21 from link W,\n@4 LW1 (iotile) landing C21 from link E,\n"
    return "@0 dimX=17, dimY=12\n" + host + body


def test_a_vendors_fabric_colors_and_start_are_found(log, tmp_path):
    theirs = tmp_path / "vendor.log"
    theirs.write_text(as_the_vendor(log.read_text()))
    question = LogQuestion(iterations=4)

    found = compare_log_files(theirs, PROGRAMS / "stencil-wse2.toml", question)

    assert found["offset"] == [4, 1]
    assert found["colors"] == {str(color + 1): color for color in range(6)}
    assert found["first_difference"] is None
    own = [row for row in found["wavelets"] if row["common"]]
    assert len(own) == 6
    assert all(row["same_cycle"] == row["common"] > 0 for row in own)
    assert found["cycles"]["theirs"] == found["cycles"]["ours"] > 40


def test_a_slower_program_differs_from_its_second_instruction_on(log, tmp_path):
    slow = tmp_path / "slow.toml"
    text = (PROGRAMS / "stencil-wse2.toml").read_text()
    slow.write_text(text.replace("overhead_cycles = 1", "overhead_cycles = 2"))

    found = compare_log_files(log, slow, LogQuestion(iterations=4))

    assert found["first_difference"]["difference"] == 1
    assert found["cycles"]["ours"] > found["cycles"]["theirs"]
    assert {row["cycles_ours"] - row["cycles_theirs"] for row in found["tasks"]} & {1.0}
    assert found["worst"][0]["difference"] > 10


def test_stats_stand_beside_stats_or_a_log(log, tmp_path):
    stats = tmp_path / "sim_stats.json"
    stats.write_text(json.dumps({"cycle_count": 100, "fabric_x": 10, "sim_stop_cause": "idle"}))

    rows = {row["name"]: row for row in compare_log_files(stats, log, LogQuestion())["stats"]}

    assert rows["fabric_x"]["ratio"] == 1
    assert rows["cycle_count"]["ours"] == describe_log(log)["last_cycle"]
    assert rows["sim_stop_cause"]["ratio"] is None
    assert describe_log(stats)["cycle_count"] == 100
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(TraceError, match="is no JSON"):
        describe_log(tmp_path / "bad.json")
    with pytest.raises(TraceError, match="cannot be read"):
        describe_log(tmp_path / "none.log")
