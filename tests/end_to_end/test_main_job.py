"""The main job with nothing replaced: real app, real engine process, bundled model, keys only."""

import os
import re
import signal
from pathlib import Path

import pytest

from engine.protocol.messages import EngineReady
from tests.end_to_end.driver import Keyboard, WatchedApp

SIZE = (140, 40)


def places(source: str) -> list[int]:
    """Return the lines, from 1, where a suggestion is asked for: ends of def lines, bodies."""
    lines = source.split("\n")
    return [
        number
        for number, line in enumerate(lines, start=1)
        if re.match(r"\s+(def \w+\(.*\):|return\b.*|if .*:)$", line)
    ]


async def test_a_suggestion_is_accepted_saved_and_taken_back(
    app: WatchedApp, repository: Path
) -> None:
    file = repository / "json" / "decoder.py"
    before = file.read_bytes()
    async with app.run_test(size=SIZE) as pilot:
        keys = Keyboard(pilot, app)
        await keys.open_in_tree(file)
        await keys.until_ready()
        for line in places(before.decode()):
            await keys.go_to_line(line)
            ghost = await keys.ask()
            if ghost:
                break
        else:
            pytest.fail("the model had no suggestion at any place of decoder.py")

        lines = before.decode().split("\n")
        lines[line - 1] += ghost
        await keys.press("tab")
        await keys.until(lambda: app.editor.text == "\n".join(lines), "accepted text")
        await keys.press("ctrl+s")
        await keys.until(lambda: file.read_bytes() != before, "saved file")
        assert file.read_bytes() == "\n".join(lines).encode()

        await keys.press("ctrl+z")
        assert app.editor.text == before.decode()
        await keys.press("ctrl+s")
        await keys.until(lambda: file.read_bytes() == before, "restored file")


async def test_the_panes_show_what_the_wafer_did(app: WatchedApp, repository: Path) -> None:
    async with app.run_test(size=SIZE) as pilot:
        keys = Keyboard(pilot, app)
        await keys.open_in_tree(repository / "json" / "decoder.py")
        await keys.until_ready()
        (ready,) = app.all_heard(EngineReady)
        await keys.go_to_line(places((repository / "json" / "decoder.py").read_text())[0])
        await keys.ask()
        answer = app.answers[-1]
        assert answer.prompt_tokens > 0
        assert answer.wafer.program == ready.machine.program
        assert answer.wafer.cycles_prefill > 0
        assert sum(region.width * region.height for region in ready.machine.regions) == (
            ready.machine.cores_used
        )
        await keys.until(lambda: "host" in app.status_text, "latency in the status line")


async def test_a_killed_engine_costs_no_keystroke_and_comes_back(
    app: WatchedApp, repository: Path
) -> None:
    file = repository / "json" / "decoder.py"
    before = file.read_text()
    async with app.run_test(size=SIZE) as pilot:
        keys = Keyboard(pilot, app)
        await keys.open_in_tree(file)
        await keys.until_ready()
        line = places(before)[0]
        await keys.go_to_line(line)
        pid = app.engine_pids[-1]
        os.kill(pid, signal.SIGSTOP)  # the request is under way for as long as we like
        answered = len(app.answers)
        await keys.press("ctrl+l")
        await keys.write("  # one")
        os.kill(pid, signal.SIGKILL)
        await keys.write(" two")
        await keys.until(
            lambda: any("engine restarting" in line for line in app.said), "word of the lost engine"
        )
        assert len(app.answers) == answered  # before the next engine, which may come soon
        await keys.write(" three")

        lines = before.split("\n")
        lines[line - 1] += "  # one two three"
        assert app.editor.text == "\n".join(lines)

        await keys.until_ready(engines=2)
        assert app.engine_pids[-1] != pid
        answered = len(app.answers)
        await keys.press("enter", "ctrl+l")  # the line's own suggestion may come first
        await keys.until(lambda: len(app.answers) > answered, "answer of the new engine")
        await keys.press("escape", "ctrl+s")
        await keys.until(lambda: file.read_text() != before, "saved file")
        assert "  # one two three\n" in file.read_text()
