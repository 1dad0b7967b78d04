"""Any keys of the whole app, in any order and size, with an engine that answers anything.

No error, and nothing on the screen that steers a terminal.  `SPARK_RANDOM_SEQUENCES=300 pytest
tests/tui/app/test_any_keys.py` tries so many sequences, the suite two.
"""

import os
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from textual.binding import Binding

from engine import EngineDown
from engine.protocol.asking import AskReply, ReadPart
from engine.protocol.messages import (
    Answered,
    Ask,
    Complete,
    Completed,
    Failed,
    PartialText,
    Rewrite,
    Rewritten,
)
from tests.tui.app.fakes import FakeClient, demo_edit, until
from tui.app import SparkApp
from tui.demo_engine import demo_completion
from tui.keys import key_parts
from tui.settings import Settings, SuggestionSettings

MakeApp = Callable[..., SparkApp]
SEQUENCES = int(os.environ.get("SPARK_RANDOM_SEQUENCES", "2"))
STEPS = 40
SIZES = ((40, 10), (20, 5), (100, 30), (160, 45))
SIGNS = "abgret(:.\"'x1"
TITLE = "b\x1b]0;PWNED\x07.py"
TEXTS = (
    "", "x\n", "def greet():\n    pass", "a\x1b]0;P\x07b\u202e\x9b", "\t\r\n\r字e\u0301",
    "l" * 30_000, "\n" * 600, "[@click=app.bell]x[/b]",
    "```python\ndef greet(a):\n    return 1\n```\n```\n",
    "| a | b |\n|---|\n" * 20, "> " * 300, "- " * 200, "```py\n" + "x = 1\n" * 800, "*" * 2000,
    "`" * 500,
    "[a](javascript:x) <script> &#x1b; ![i](file:///etc/passwd)",
)  # fmt: skip


def every_key() -> Sequence[str]:
    """Return all keys that are bound, but those that run a program or end the app."""
    keys = {each.key for part in key_parts([]) for each in Binding.make_bindings(part.bindings)}
    return sorted((keys | {"up", "down", "enter", "backspace", "space"}) - {"ctrl+q", "f5"})


def answer(chance: random.Random, asked: Complete | Rewrite | Ask) -> Any:
    """Return what an engine might say, and what it never should."""
    text, number = chance.choice(TEXTS), asked.request_id
    said: list[Any] = [PartialText(number, text), Failed(number, text)]
    if isinstance(asked, Complete):
        said.append(Completed(number, demo_completion(text)))
    elif isinstance(asked, Rewrite):
        refusal = chance.choice([None, text])
        said.append(Rewritten(number, demo_edit(chance.choice(TEXTS), refusal)))
    else:
        cost = demo_completion("x")
        parts = (ReadPart(TITLE, 1, 12, "open"), ReadPart("/a/../b", -5, 10**12, "open"))
        reply = AskReply(
            text, "stop", "shown", 0, parts, (text[:300],), "m", 9, 0, 9, cost.host, cost.wafer
        )
        said.append(Answered(number, reply))
    return chance.choice(said)


def act(chance: random.Random, client: FakeClient) -> str | None:
    """Return the next key; None where the engine said something instead."""
    kind = chance.random()
    if kind < 0.6:
        return chance.choice(every_key())
    if kind < 0.85:
        return chance.choice([*SIGNS, "enter", "escape"])
    asked = [each for each in client.sent if isinstance(each, Complete | Rewrite | Ask)][-3:]
    if asked:
        client.on_event(answer(chance, chance.choice(asked)))
    if kind > 0.99:
        client.on_event(EngineDown("gone \x1b[31m", retrying=True))
        client.ready(follows_instructions=True)
    return None


def steers(app: SparkApp) -> bool:
    """Return whether anything that is drawn could steer a terminal."""
    texts = (part.text for strip in app.screen._compositor.render_strips() for part in strip)
    return any(sign < " " or "\x7f" <= sign < "\xa0" for text in texts for sign in text)


@pytest.mark.parametrize("seed", range(SEQUENCES))
async def test_any_keys_do_no_harm(
    seed: int,
    make_app: MakeApp,
    client: FakeClient,
    repository: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    chance, pressed = random.Random(seed), []
    (repository / TITLE).write_text("import os\ndef greet(): pass\n\nclass A:\n    x = greet()\n")
    file = chance.choice(["package/greeting.py", TITLE, ".env", None])
    app = make_app(file, settings=Settings(suggestions=SuggestionSettings(delay_ms=0)))
    async with app.run_test(size=SIZES[seed % len(SIZES)], notifications=True) as pilot:
        await until(pilot, client.started.is_set)
        client.ready(follows_instructions=True)
        for _ in range(STEPS):
            key = act(chance, client)
            pressed.append(key)
            await (pilot.pause() if key is None else pilot.press(key))
            assert app.is_running, pressed
            assert not steers(app), pressed
            assert not [each for each in caplog.records if each.levelname == "ERROR"], pressed
