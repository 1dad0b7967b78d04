"""Take pictures of the real app with the real engine, as SVG; the README shows them.

``scripts/screenshots.py --model qwen2.5-coder-0.5b [--out FOLDER]`` opens a small example
repository, asks for a suggestion and writes what is on the screen, then the X-ray of its tokens and
the wave of one of them as a picture that moves.  The figures are those of this computer.
"""

import argparse
import asyncio
import os
import re
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from textual.pilot import Pilot

if TYPE_CHECKING:
    from tui.app import SparkApp

ROOT = Path(__file__).resolve().parent.parent
SIZE = (150, 42)
TIMEOUT_SECONDS = 600.0
SUGGESTION_SECONDS = 20.0
LINES = (19, 13, 24, 31)
"""Where a suggestion is asked for, the first place with an answer is shown."""

FILES = {
    "README.md": "# orbit\n\nWhere the planets are.\n",
    "orbit/__init__.py": '"""Positions of planets."""\n',
    "orbit/units.py": "AU_KM = 149_597_870.7\nDAY_SECONDS = 86_400\n",
    "orbit/body.py": '''"""A body on an elliptic orbit."""

import math
from dataclasses import dataclass


@dataclass
class Body:
    name: str
    period: float
    radius: float

    def mean_motion(self):
        return 2 * math.pi / self.period

    def angle(self, day):
        return self.mean_motion() * day

    def position(self, day):
        angle = self.angle(day)
        x = self.radius * math.cos(angle)
        y = self.radius * math.sin(angle)
        return x, y

    def distance(self, other, day):
        x, y = self.position(day)
        other_x, other_y = other.position(day)
        return math.hypot(x - other_x, y - other_y)


def load_bodies(path):
    bodies = []
    with open(path) as file:
        for line in file:
            name, period, radius = line.split()
            bodies.append(Body(name, float(period), float(radius)))
    return bodies
''',
    "tests/test_body.py": "from orbit.body import Body\n",
}


def write_repository(root: Path) -> None:
    """Write the example repository."""
    (root / ".git").mkdir(parents=True)
    for name, text in FILES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


async def take(repository: Path, out: Path, model: str | None, *, with_help: bool) -> None:
    """Run the app on ``repository`` and write its pictures into ``out``."""
    from tui.app import SparkApp
    from tui.link.engine_link import engine_client
    from tui.link.engine_state import Phase
    from tui.settings import Settings

    app = SparkApp(
        repository,
        open_file=repository / "orbit" / "body.py",
        line=LINES[0],
        make_client=engine_client(model=model),
        settings=Settings(),
    )
    async with app.run_test(size=SIZE) as pilot:
        await until(pilot, lambda: app.editor is not None, "an editor")
        await until(pilot, lambda: app.engine_state.phase is Phase.READY, "a ready engine")
        await suggested(app, pilot)
        write(out / "screenshot.svg", picture(app))
        await look_into(app, pilot, out)
        if with_help:
            await pilot.press("f1")
            await pilot.pause(0.5)
            write(out / "help.svg", picture(app))


async def suggested(app: "SparkApp", pilot: Pilot[None]) -> None:
    """Ask for a suggestion, place after place; end the program where there is none."""
    for line in LINES:
        assert app.editor is not None
        app.editor.focus()
        app.editor.go_to(line, len(app.editor.document[line - 1]) + 1)
        await pilot.press("ctrl+l")
        deadline = monotonic() + SUGGESTION_SECONDS
        while not app.editor.ghost and monotonic() < deadline:
            await pilot.pause(0.05)
        if app.editor.ghost:
            await until(pilot, lambda: written(app), "a whole suggestion")
            await pilot.pause(0.6)  # the map dims soon after
            return
    sys.exit("the model had no suggestion anywhere; no picture taken")


def written(app: "SparkApp") -> bool:
    """Return whether an answer is whole: its beginning is shown before."""
    from tui.widgets.throughput_pane import ThroughputPane

    return app.query_one(ThroughputPane).values()["completion"] is not None


async def look_into(app: "SparkApp", pilot: Pilot[None], out: Path) -> None:
    """Write the X-ray of the suggestion while a token's wave is in its middle, and that wave."""
    from scripts.wave_animation import wave_svg
    from tui.widgets.xray_pane import XrayPane

    pane = app.query_one(XrayPane)
    await pilot.press("alt+x")
    await until(pilot, lambda: pane.shown is not None, "an X-ray")
    assert pane.shown is not None
    while not any(map(str.isalpha, pane.shown.tokens[pane.token].text)):
        await pilot.press("right")  # to a token that says something
    await pilot.press("space")
    await until(pilot, lambda: pane.wave is not None, "a wave")
    await pilot.pause(4.0)
    write(out / "xray.svg", picture(app))
    wave, ready = pane.wave, app.engine_state.ready
    assert wave is not None
    assert ready is not None
    said = pane.shown.tokens[pane.token].text
    title = f"One token of {ready.model.name}, {said!r}, on its way over the emulated wafer"
    write(out / "wave.svg", wave_svg(wave, ready.machine, ready.model.layers, title))


def picture(app: "SparkApp") -> str:
    """Return what is on the screen; it names no font that a browser would fetch."""
    return without_fonts(app.export_screenshot(title="spark-tui", simplify=True))


def without_fonts(svg: str) -> str:
    """Leave out what would have a browser ask another computer for a font."""
    return re.sub(r"@font-face \{.*?\}\n", "", svg, flags=re.DOTALL)


async def until(pilot: Pilot[None], condition: Callable[[], bool], what: str) -> None:
    """Wait for ``condition``, or end the program."""
    deadline = monotonic() + TIMEOUT_SECONDS
    while not condition():
        if monotonic() > deadline:
            sys.exit(f"no {what} after {TIMEOUT_SECONDS:.0f} s")
        await pilot.pause(0.05)


def write(path: Path, svg: str) -> None:
    """Write one picture, with the newline at the end that text files have."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(svg.rstrip() + "\n", encoding="utf-8")
    print(path)


def main() -> None:
    """Take the pictures."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / "tui" / "assets")
    parser.add_argument("--model", help="name or path; without it, the default")
    parser.add_argument("--help-screen", action="store_true", help="also the help screen")
    arguments = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory(prefix="spark-") as name:
        for kind in ("RUNTIME", "STATE", "CONFIG"):
            os.environ[f"SPARK_{kind}_DIR"] = f"{name}/{kind.lower()}"
        repository = Path(name) / "orbit"
        write_repository(repository)
        asyncio.run(
            take(repository, arguments.out, arguments.model, with_help=arguments.help_screen)
        )


if __name__ == "__main__":
    main()
