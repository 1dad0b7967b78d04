"""Every key that is bound is pressed where it has an effect, and the effect is seen.

A script for each part of the app names bindings by their ids.  The key of each is pressed: its
action must run, and something that a person sees, or the clipboard, must be another one afterwards.
A binding that stands in no script fails the last test.
"""

import subprocess
from collections.abc import Awaitable, Callable, Sequence
from shutil import rmtree
from typing import Any

import pytest
from msgspec.structs import replace
from textual.binding import Binding
from textual.pilot import Pilot
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import DirectoryTree

from engine.protocol.messages import (
    Answered,
    AnswerWave,
    AnswerXray,
    Ask,
    AskWhatIf,
    Complete,
    Completed,
    LookInto,
    OtherText,
    Rewrite,
    Rewritten,
    WhatIfTold,
)
from tests.tui.app.fakes import FakeClient, demo_edit, until
from tests.tui.app.file_looks import NO_PANES
from tui.app import SparkApp
from tui.demo_engine import demo_completion, demo_ready, demo_reply, demo_wave, demo_xray
from tui.demo_what_if import demo_curve
from tui.keys import key_parts
from tui.screens.changes import ChangeList, ChangesScreen
from tui.screens.core import CoreScreen
from tui.screens.hover import HoverScreen, Meaning
from tui.screens.places import PlacesScreen
from tui.screens.reading import ReadingScreen
from tui.settings import Settings, SuggestionSettings
from tui.widgets.ask_answer import AnswerCode
from tui.widgets.edit_review import EditReview
from tui.widgets.editor import Editor
from tui.widgets.found_list import FoundList
from tui.widgets.run_pane import OutputList, RunPane
from tui.widgets.throughput_pane import ThroughputPane
from tui.widgets.wafer_map import WaferMap
from tui.widgets.what_if_pane import WhatIfPane
from tui.widgets.xray_pane import XrayPane

MakeApp = Callable[..., SparkApp]

BINDINGS = {
    binding.id: binding
    for part in key_parts([])
    for binding in reversed(list(Binding.make_bindings(part.bindings)))
}
"""By id, with the first of its keys."""
TYPED_INSTEAD = {"find.enter", "editor.new_line"}
"""Keys that the focused input takes before any binding does, with the same effect."""

CODE = "def f(items):\n    total = 0\n    for item in items:\n        total += item\n    return f\n"
FAILS = "def f():\n    raise ValueError('wrong')\n\n\nprint('hello')\nf()\n"
MANY = "".join(f"def greet_{n}(): pass\n" for n in range(60))


class Hands:
    """A person at the keys of one app, and what the person sees."""

    def __init__(self, app: SparkApp, pilot: Pilot[Any], client: FakeClient) -> None:
        self.app, self.pilot, self.client = app, pilot, client
        self.pressed: set[str] = set()
        self._ran: list[str] = []
        run = app.run_action

        async def run_action(action: Any, *arguments: Any, **options: Any) -> bool:
            done = await run(action, *arguments, **options)
            if done:
                self._ran.append(str(action))
            return done

        app.run_action = run_action  # type: ignore[method-assign]

    def seen(self) -> object:
        """Everything on the screen with its colours, and the clipboard."""
        strips = self.app.screen._compositor.render_strips()
        parts = [(part.text, part.style) for strip in strips for part in strip]
        return parts, self.app.clipboard, self.app.is_running

    async def rests(self) -> None:
        """Wait until the picture stays as it is; what plays by itself is waited for a while."""
        for _ in range(40):
            before = self.seen()
            await self.pilot.pause(0.02)
            if self.seen() == before:
                return

    async def keys(self, *keys: str) -> None:
        await self.pilot.press(*keys)
        await self.rests()

    async def does(self, *names: str) -> None:
        """Press the keys of bindings, one after another; each must show."""
        for name in names:
            binding, before = BINDINGS[name], self.seen()
            self._ran.clear()
            await self.pilot.press(binding.key)
            await self._until(lambda before=before: self.seen() != before, name)
            assert binding.action in self._ran or name in TYPED_INSTEAD, (name, self._ran)
            self.pressed.add(name)
            if self.app.is_running:
                await self.rests()

    async def _until(self, condition: Callable[[], bool], name: str) -> None:
        try:
            await until(self.pilot, condition, 10.0)
        except AssertionError:
            pytest.fail(f"nothing on the screen shows {name} ({BINDINGS[name].key})")

    async def open(self, name: str, text: str) -> None:
        (self.app.rules.root / name).write_text(text)
        self.app.open_path(self.app.rules.root / name)
        current = lambda: self.app.deck.current  # noqa: E731
        await until(self.pilot, lambda: current() is not None and current().path.name == name)
        await self.rests()

    async def at_row(self, row: int) -> None:
        editor = self.app.editor
        assert editor is not None
        await until(self.pilot, lambda: editor.cursor_location[0] == row)
        await self.rests()

    async def back(self) -> None:
        """Close what is over the app."""
        await until(self.pilot, lambda: len(self.app.screen_stack) > 1)
        await self.keys("escape")
        await until(self.pilot, lambda: len(self.app.screen_stack) == 1)
        await self.rests()

    async def over_app(self, kind: type[Screen[Any]]) -> None:
        await until(self.pilot, lambda: isinstance(self.app.screen, kind))
        await self.rests()

    async def focus(self, kind: type[Widget]) -> None:
        found = self.app.deck.current.editor if kind is Editor else self.app.screen.query_one(kind)  # type: ignore[union-attr]
        found.focus()
        await until(self.pilot, lambda: found.has_focus)
        await self.rests()

    async def says(self, event: Any) -> None:
        self.client.on_event(event)
        await self.rests()

    def sent(self, kind: type[Any]) -> Any:
        """The last message of a kind."""
        return next((each for each in reversed(self.client.sent) if isinstance(each, kind)), None)

    async def suggested(self, text: str) -> None:
        before = self.sent(Complete)
        await self.pilot.press("ctrl+l")
        await until(self.pilot, lambda: self.sent(Complete) is not before)
        completion = replace(demo_completion(text), answer=5)
        await self.says(Completed(self.sent(Complete).request_id, completion))


# ── what is pressed, part by part ───────────────────────────────────────────────────────────────


async def files(one: Hands) -> None:
    await one.open("a.py", CODE)
    for number in range(1, 9):
        await one.open(f"{number}.txt", f"{number} long {'words ' * 40}\n")
    await one.does(*(f"app.file_{number}" for number in range(1, 10)))
    await one.does("app.next_file", "app.previous_file", "app.soft_wrap", "app.tree")
    await one.focus(Editor)
    await one.keys("x")
    await one.does("app.save", "app.close_file")
    for name in ("open", "new_file", "go_to_line", "palette", "settings", "help"):
        await one.does(f"app.{name}")
        await one.back()
    await one.does("app.panes", "app.next_pane")
    await one.keys("escape")
    await one.does("app.next_area")
    await one.keys("x")
    await one.does("app.quit")


async def code(one: Hands) -> None:
    await one.open("a.py", CODE)
    await one.does("app.find")
    await one.keys(*"total")
    await one.keys("escape")
    await one.does("app.find_next", "app.find_previous", "app.replace")
    await one.keys("escape")
    await one.does("app.find_in_files")
    await one.keys("escape")
    one.app.editor.move_cursor((4, 11))  # type: ignore[union-attr]
    for name, row in (("definition", 0), ("back", 4), ("forward", 0)):
        await one.does(f"app.{name}")
        await one.at_row(row)
    for name in ("references", "hover", "symbols", "repository_symbols"):
        await one.does(f"app.{name}")
        await one.back()
    await one.does("app.next_problem", "app.previous_problem", "app.changes", "app.run")


async def suggestions(one: Hands) -> None:
    one.client.ready(follows_instructions=True)
    await one.open("a.py", CODE)
    one.app.editor.move_cursor((4, 12))  # type: ignore[union-attr]
    await one.does("app.pause_suggestions")
    one.client.answer = "(total, items)"
    await one.does("app.suggest", "app.accept_sure", "app.why")
    one.client.answer = None
    await one.keys("escape", "ctrl+z", "x")
    await one.suggested("(total)")
    await one.keys("alt+n")
    await until(one.pilot, lambda: one.sent(Complete).others)
    await one.says(OtherText(one.sent(Complete).request_id, "(items)", -0.2))
    await one.does("app.previous_suggestion", "app.next_suggestion", "app.xray")
    await one.keys("escape")
    await one.does("app.edit")
    await one.keys("escape")
    await one.does("app.ask")


async def editor(one: Hands) -> None:
    before: dict[str, Sequence[str]] = {
        "deselect": ["shift+right"], "select_less": ["alt+shift+right"] * 2,
        "cut": ["shift+right"], "copy": ["shift+right"], "paste": ["shift+right", "ctrl+c"],
        "undo": ["x"], "redo": ["x", "ctrl+z"], "matching_bracket": ["ctrl+home", "end", "left"],
    }  # fmt: skip
    await one.open("a.py", CODE)
    assert one.app.editor is not None
    for name in (each for each in BINDINGS if each and each.startswith("editor.")):
        one.app.editor.load(CODE, path="a.py")
        one.app.editor.move_cursor((2, 8))
        one.app.copy_to_clipboard("")
        await one.keys(*before.get(name.removeprefix("editor."), ()))
        await one.does(name)


async def tree(one: Hands) -> None:
    await one.open("a.py", CODE)
    await one.keys("f6")
    await one.focus(DirectoryTree)
    nodes = one.app.repo_tree.root.children
    one.app.repo_tree.move_cursor(next(each for each in nodes if each.allow_expand))
    await one.rests()
    await one.does("tree.open_folder", "tree.close_folder")
    for name in ("new_file", "new_folder", "rename", "delete"):
        await one.keys("end")
        await one.does(f"tree.{name}")
        await one.back()
    (one.app.rules.root / "zzz.py").touch()
    await one.does("tree.reload")
    await one.keys("home", "down")
    await one.does("tree.open")
    await one.focus(DirectoryTree)
    await one.does("tree.leave")


async def finding(one: Hands) -> None:
    await one.open("a.py", CODE)
    await one.keys("ctrl+f", *"total", "enter", "escape", "ctrl+f", *"item", "enter")
    await one.does("find.enter", "find.next", "find.previous")
    await one.does("find.match_case", "find.whole_word", "find.regex", "find.earlier", "find.later")
    await one.keys("ctrl+r", *"x")
    await one.does("find.replace_all", "find.undo", "find.close")


async def finding_in_files(one: Hands) -> None:
    await one.open("a.py", MANY)
    await one.open("b.py", "greet\n")
    await one.keys("f9", *"greet")
    await until(one.pilot, lambda: len(one.app.screen.query_one("#found").found) > 50)
    await one.does("files.find")
    await one.keys(*"greet")
    await one.rests()
    await one.does("files.replace")
    await one.keys(*"hail", "enter")
    await one.does("found.down", "found.up", "found.page_down", "found.page_up", "found.last")
    await one.does("found.first", "found.file_down", "found.file_up", "found.tick")
    await one.does("files.replace_all", "files.take_back", "found.open")
    await one.keys("f9", "tab")
    await one.focus(FoundList)
    await one.does("files.close")


async def lists(one: Hands) -> None:
    """Output of a program, a difference, a list of places, documentation."""
    await one.open("tool.py", FAILS + "#\n" * 60)
    await one.keys("f5")
    await until(one.pilot, lambda: "status 1" in str(one.app.query_one(RunPane).border_title))
    await one.focus(OutputList)
    await one.does("output.up", "output.down", "output.first", "output.last", "output.page_up")
    await one.does("output.page_down", "output.open")
    await one.focus(OutputList)
    await one.does("output.close")
    one.client.ready(follows_instructions=True)
    await one.keys("f5")
    await until(one.pilot, lambda: "status 1" in str(one.app.query_one(RunPane).border_title))
    await one.focus(OutputList)
    await one.does("output.fix")


async def documentation(one: Hands) -> None:
    await one.open("a.py", CODE)
    near = one.app.editor.cursor_screen_offset  # type: ignore[union-attr]
    meaning = Meaning("function f", "f()", "\n".join(map(str, range(90))))
    one.app.push_screen(HoverScreen(meaning, [], near))
    await one.rests()
    await one.does("hover.down", "hover.up", "hover.page_down", "hover.page_up", "hover.close")
    one.app.editor.move_cursor((3, 10))  # type: ignore[union-attr]
    await one.keys("shift+f12")
    await one.over_app(PlacesScreen)
    await one.does("places.close")


async def edit(one: Hands) -> None:
    one.client.ready(follows_instructions=True)
    await one.open("a.py", CODE)

    async def asked() -> None:
        await one.keys("f7", "alt+e")
        review = one.app.query_one(EditReview)
        await until(one.pilot, lambda: review.line.has_focus)
        before = one.sent(Rewrite)
        await one.keys("x", "enter")
        await until(one.pilot, lambda: one.sent(Rewrite) is not before)
        new = CODE.replace("total = 0", "total = 1").replace("return f", "return total")
        await one.says(Rewritten(one.sent(Rewrite).request_id, demo_edit(new)))

    await asked()
    await one.does("edit.next", "edit.previous", "edit.accept", "edit.reject")
    await one.keys("ctrl+z")
    await asked()
    await one.does("edit.accept_all")
    await one.keys("ctrl+z")
    await asked()
    await one.does("edit.leave")


async def questions(one: Hands) -> None:
    one.client.ready(follows_instructions=True)
    await one.open("a.py", CODE)
    text = "\n".join(f"{n}\n\n```python\ndef f(items):\n    return {n}\n```\n" for n in range(12))

    async def asked() -> None:
        await one.keys("alt+a", *"Why?", "enter")
        await until(one.pilot, lambda: one.sent(Ask))
        await one.says(Answered(one.sent(Ask).request_id, replace(demo_reply(), text=text)))
        await one.rests()

    await asked()
    await one.does("ask.page_up", "ask.page_down", "ask.block_back", "ask.block")
    await one.keys("shift+tab")
    await until(one.pilot, lambda: isinstance(one.app.focused, AnswerCode))
    await one.does("answer.copy", "answer.apply")
    await one.keys("escape", "alt+a", "shift+tab")
    await until(one.pilot, lambda: isinstance(one.app.focused, AnswerCode))
    await one.does("answer.insert")
    await one.keys("alt+a")
    await one.does("ask.escape")


async def halfway(one: Hands) -> None:
    """Pause the wave in the middle, from where each key leads on, however slow the computer is."""
    pane = one.app.query_one(XrayPane)
    assert pane._wave is not None
    pane.action_jump(0)
    pane._go(pane._wave.cycles / 2)
    await one.rests()


async def xray(one: Hands) -> None:
    one.client.ready()
    await one.open("a.py", CODE)
    found = demo_xray(answer=5)
    await one.suggested(found.text)
    await one.keys("alt+x")
    await one.says(AnswerXray(one.sent(LookInto).request_id, found))
    await one.focus(XrayPane)
    await one.does("xray.next", "xray.previous", "xray.last", "xray.first")
    await one.keys("space")
    await one.says(AnswerWave(one.sent(LookInto).request_id, 5, 0, demo_wave(0)))
    await halfway(one)
    await one.does("xray.on", "xray.back", "xray.faster", "xray.slower")
    await one.does("xray.play", "xray.play_back")
    one.app.wafer.inspect(3, 4, demo_ready().machine)
    await one.over_app(CoreScreen)
    await halfway(one)
    await one.does("core.on", "core.back", "core.play", "core.close")
    await one.focus(XrayPane)
    await one.does("xray.stop", "xray.simulate", "xray.what_if")
    await one.focus(XrayPane)
    await one.does("xray.leave")


async def wafer(one: Hands) -> None:
    one.client.ready()
    one.client.work(3)
    wafer = one.app.query_one(WaferMap)
    await until(one.pilot, lambda: wafer.states is not None)
    await one.focus(WaferMap)
    await one.does(*(f"map.{way}" for way in ("east", "west", "south", "north", "zoom_in")))
    await one.does(*(f"map.pan_{way}" for way in ("east", "west", "south", "north")))
    await one.does("map.outlines", "map.zoom_out", "map.whole_wafer", "map.fit")
    await one.does("map.next_colour", "map.previous_colour", "map.only_mac", "map.only_vector")
    await one.does("map.only_comm", "map.only_stall_wavelet", "map.only_stall_pipe")
    await one.does("map.only_idle", "map.all_states", "map.mark")
    for name in ("go_to", "compare"):
        await one.does(f"map.{name}")
        await one.keys("escape")
    await one.does("map.inspect")
    await one.over_app(CoreScreen)
    await one.does("core.east", "core.west", "core.south", "core.north", "core.next_step")
    await one.does("core.previous_step", "core.steps_on", "core.steps_back", "core.page_down")
    await one.does("core.page_up", "core.close", "map.leave")


async def panes(one: Hands) -> None:
    one.client.ready()
    one.client.work(3)
    await until(one.pilot, lambda: one.app.query_one(WaferMap).states is not None)
    await one.focus(ThroughputPane)
    await one.does("pane.gauges", "pane.pause", "pane.copy", "pane.copy_json", "pane.save")
    await one.does("pane.read")
    await one.over_app(ReadingScreen)
    await one.back()
    await one.focus(ThroughputPane)
    await one.does("pane.leave")


async def what_if(one: Hands) -> None:
    one.client.ready()
    await one.open("a.py", CODE)
    await one.suggested(demo_xray().text)

    async def told() -> None:
        asked = one.sent(AskWhatIf)
        await one.says(WhatIfTold(asked.request_id, demo_curve(asked.over, asked.setup, None)))

    await one.does("app.what_if")
    await until(one.pilot, lambda: one.sent(AskWhatIf) and one.app.query_one(WhatIfPane).has_focus)
    await told()
    await one.does("what_if.down", "what_if.up")
    await told()
    await one.does("what_if.right", "what_if.left", "what_if.best")
    await one.does("what_if.apply", "what_if.reset", "what_if.leave")


async def changes(one: Hands) -> None:
    root = one.app.rules.root
    rmtree(root / ".git")
    lines = [f"line {number}\n" for number in range(200)]
    (root / "a.txt").write_text("".join(lines))
    git = ["git", "-C", str(root), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "first"]):
        subprocess.run([*git, *command], check=True)
    changed = (f"new {n}\n" if n % 20 == 0 else line for n, line in enumerate(lines))
    await one.open("a.txt", "".join(changed))
    await one.keys("alt+d")
    await one.over_app(ChangesScreen)
    await one.focus(ChangeList)
    await one.does("diff.down", "diff.up", "diff.page_down", "diff.page_up", "diff.last")
    await one.does("diff.first", "diff.next", "diff.previous", "diff.open")
    await one.keys("alt+d")
    await one.over_app(ChangesScreen)
    await one.does("changes.close")


PARTS: Sequence[tuple[Callable[[Hands], Awaitable[None]], bool, tuple[int, int]]] = (
    (files, False, (120, 30)), (code, False, (100, 30)), (suggestions, False, (120, 40)),
    (editor, False, (80, 12)), (tree, False, (160, 30)), (finding, False, (90, 20)),
    (finding_in_files, False, (90, 20)), (lists, False, (90, 24)), (documentation, False, (90, 24)),
    (edit, False, (90, 30)), (questions, False, (140, 24)), (xray, True, (160, 44)),
    (wafer, True, (120, 32)), (changes, False, (90, 24)), (panes, True, (120, 44)),
    (what_if, True, (160, 44)),
)  # fmt: skip
"""Script, whether the panes are there, size."""

PRESSED: dict[str, set[str]] = {}
"""By script: the bindings whose keys it pressed."""


@pytest.mark.parametrize(
    ("script", "panes", "size"), PARTS, ids=[each[0].__name__ for each in PARTS]
)
async def test_each_key_of_a_part_shows(
    make_app: MakeApp,
    client: FakeClient,
    script: Callable[[Hands], Awaitable[None]],
    panes: bool,
    size: tuple[int, int],
) -> None:
    calm = SuggestionSettings(delay_ms=10_000, adaptive_delay=False, ahead=False)
    settings = replace(Settings() if panes else NO_PANES, suggestions=calm)
    app = make_app(settings=settings)
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(pilot, client.started.is_set)
        one = Hands(app, pilot, client)
        await script(one)
    PRESSED[script.__name__] = one.pressed


def test_no_binding_is_left_out() -> None:
    if len(PRESSED) < len(PARTS):
        pytest.skip("some scripts were left out, or failed")
    left_out = set(BINDINGS) - set().union(*PRESSED.values())
    assert not left_out, "press them in a script above, where they show something"
