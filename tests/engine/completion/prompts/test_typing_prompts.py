"""Prompts while a person types, moves and comes back, with a model that says a fixed text."""

from pathlib import Path
from statistics import median

import pytest
from msgspec.structs import replace

from engine.completion.completer import Completer, Listener
from engine.completion.prompts.frames import SEEN_CHARACTERS, TYPED_LINES, TYPED_TOKENS, Frame
from engine.completion.prompts.prompt import PromptBuilder
from engine.completion.prompts.prompt_styles import STYLES
from engine.completion.prompts.typing_prompts import QUICK_TOKENS, RENEWAL_LINES
from engine.completion.stats import WaferMeter
from engine.generation.generator import Generator
from engine.protocol.completion import CompletionRequest, TextChunk
from tests.canned import CannedWafer, canned_machine_info, canned_model_info
from tests.engine_tokenizers import tokenizer_with

WORDS = (
    " return",
    " value",
    " self",
    "def ",
    "    ",
    ":\n",
    "\n\n",
    "):\n",
    " = ",
    "ret",
    "return",
)
_MARKERS = ("<|fim_prefix|>", "<|fim_middle|>", "<|fim_suffix|>", "<|a|>", "<|b|>", "<|c|>")
TOKENIZER = tokenizer_with("<|endoftext|>", *_MARKERS, words=WORDS)
GRANITE = next(style for style in STYLES if style.name == "granite")

ABOVE = "".join(f"def method_{i}(self, value):\n    return value + {i}\n\n" for i in range(9))
BELOW = "\n\n" + "".join(f"def later_{i}(value):\n    return value - {i}\n\n" for i in range(6))
TYPED = "".join(
    f"def new_{i}(self, value):\n    value = value * {i}\n    return value\n\n" for i in range(5)
)


class World:
    """A person, a completer with a model that is slow to read, and what each request took."""

    def __init__(
        self,
        *,
        contexts=8,
        budget=20_000,
        parameters=500_000_000,
        tokenizer=TOKENIZER,
        repository=None,
    ):
        self.wafer = CannedWafer("pass", context_length=2048, contexts=contexts)
        info = replace(canned_model_info(), parameters=parameters)
        meter = WaferMeter(canned_machine_info(), self.wafer.placed, 2048)
        self.generator = Generator(self.wafer, budget_bytes=budget)
        self.completer = Completer(info, tokenizer, self.generator, meter, None)
        self.repository = repository
        self.prompt = ""

    def ask(self, prefix, suffix=BELOW, path="a.py", *, quick=False, chunks=()):
        """Return the prompt tokens of a request, and how many of them were new."""
        request = CompletionRequest(
            path, prefix, suffix, max_tokens=8, repository=self.repository, chunks=chunks
        )
        listener = Listener(on_prompt=lambda prompt: setattr(self, "prompt", prompt))
        done = self.completer.complete(request, listener, quick=quick)
        return done.prompt_tokens, done.prompt_tokens - done.cached_tokens

    def new(self, prefix, suffix=BELOW, path="a.py", *, quick=False):
        return self.ask(prefix, suffix, path, quick=quick)[1]

    def type(self, typed, above=ABOVE, path="a.py", *, quick=False):
        """Type key by key; return the new tokens of each."""
        ends = range(1, len(typed) + 1)
        return [self.new(above + typed[:end], path=path, quick=quick) for end in ends]


@pytest.fixture
def world():
    return World()


def test_a_key_costs_a_token_and_so_does_enter(world):
    world.ask(ABOVE)
    lines = TYPED[: TYPED.index("def new_2")]
    new = world.type(lines)
    after_enter = [count for count, sign in zip(new, lines, strict=True) if sign == "\n"]
    assert median(new) <= 3
    assert median(after_enter) <= 3
    assert max(new) <= 8  # never the text below again


def test_the_split_is_renewed_after_some_lines(world):
    world.ask(ABOVE)
    new = world.type(TYPED)
    assert median(new) <= 3
    renewals = [count for count in new if count > 30]
    assert len(renewals) == 1  # TYPED fills a frame and a part of the next


def test_what_was_renewed_in_idle_time_costs_nothing(world):
    world.ask(ABOVE)
    new = []
    for end in range(1, len(TYPED) + 1):
        new.append(world.new(ABOVE + TYPED[:end]))
        world.completer.grow(lambda: False)
    assert median(new) <= 3
    assert max(new) <= 8


def test_deleting_and_undoing_cost_almost_nothing(world):
    world.ask(ABOVE)
    line = "def new(self, value):\n    value = value\n    return"
    world.type(line)
    back = [world.new(ABOVE + line[:end]) for end in range(len(line) - 1, 0, -1)]
    assert max(back) <= 8
    assert median(back) <= 2
    assert world.new(ABOVE + line) <= 30  # what was taken back, at most


def test_moving_away_and_back_costs_almost_nothing(world):
    world.ask(ABOVE)
    world.type("def new(self")
    elsewhere = ABOVE[: ABOVE.index("def method_4")]
    rest = ABOVE[len(elsewhere) :] + BELOW
    assert world.new(elsewhere, rest) > 30
    assert world.new(ABOVE + "def new(self,") <= 3
    assert world.new(elsewhere + "x", rest) <= 3


def test_switching_between_files_costs_almost_nothing(world):
    files = {name: f"import {name}\n\n\n{ABOVE}" for name in ("one", "two", "three")}
    for name, text in files.items():
        assert world.new(text, path=f"{name}.py") > 100
    for name in ("one", "two", "three", "one", "three"):
        assert world.new(files[name] + "def ", path=f"{name}.py") <= 5


def test_the_same_text_in_another_place_of_a_file_is_another_frame(world):
    world.ask(ABOVE)
    assert world.new(ABOVE, "\n# nothing below\n") > 3
    assert world.new(ABOVE + "d") <= 3


def test_a_request_without_a_history_is_the_builders(world):
    expected = PromptBuilder(TOKENIZER, 2048, GRANITE, 512).build("a.py", ABOVE + "x = ", BELOW, 8)
    request = CompletionRequest("a.py", ABOVE + "x = ", BELOW, max_tokens=8)
    assert world.completer.preparer.prepare(request, 8).prompt == expected
    world.ask(ABOVE)
    world.type("x = ")
    assert world.completer.preparer.prepare(request, 8).prompt == expected


def test_within_a_line_the_prompt_is_that_without_a_history(world):
    for end in range(8):
        request = CompletionRequest("a.py", ABOVE + "x = value"[:end], BELOW, max_tokens=8)
        assert world.ask(request.prefix)[0] == len(
            world.completer.preparer.prepare(request, 8).prompt.ids
        )


# ── a cold place ────────────────────────────────────────────────────────────────────────────


LONG = "".join(f"def method_{i}(self, value):\n    return value + {i}\n\n" for i in range(60))


def test_a_cold_place_is_answered_from_a_short_prompt_and_then_from_the_whole_one(world):
    tokens, new = world.ask(LONG, quick=True)
    assert 200 <= new <= QUICK_TOKENS
    assert tokens == new
    assert world.ask(LONG + "d", quick=True)[0] < QUICK_TOKENS + 5  # nobody was idle
    world.completer.grow(lambda: False)
    tokens, new = world.ask(LONG + "de", quick=True)
    assert tokens > 400
    assert new <= 3


def test_who_can_wait_gets_the_whole_prompt(world):
    assert world.ask(LONG)[0] > 400
    assert World(parameters=1).ask(LONG, quick=True)[0] > 400  # such a model reads it at once


def test_idle_time_that_is_cut_short_is_not_lost(world):
    world.ask(LONG, quick=True)
    answers = iter([False] * 3 + [True] * 9)
    world.completer.grow(lambda: next(answers))
    assert world.ask(LONG + "d", quick=True)[0] < QUICK_TOKENS + 5
    world.wafer.calls.clear()
    world.completer.grow(lambda: False)
    computed = sum(count for name, count in world.wafer.calls if name == "prefill")
    assert 250 < computed < 500
    assert world.ask(LONG + "de", quick=True)[0] > 400
    world.wafer.calls.clear()
    world.completer.grow(lambda: False)
    assert world.wafer.calls == []  # nothing is left to do


def test_without_room_for_a_second_prompt_nothing_grows():
    world = World(contexts=1)
    world.ask(LONG, quick=True)
    world.wafer.calls.clear()
    world.completer.grow(lambda: False)
    assert world.wafer.calls == []
    assert world.new(LONG + "d", quick=True) <= 3


def test_a_wish_for_another_place_is_forgotten(world):
    world.ask(LONG, quick=True)
    world.ask("x = 1\n", "", path="b.py", quick=True)
    world.wafer.calls.clear()
    world.completer.grow(lambda: False)
    assert world.wafer.calls == []


# ── frames ──────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "above", ["", "a\nb\n", "".join(map("line {}\n".format, range(900)))], ids=len
)
def test_a_frame_fits_what_is_typed_in_it(above):
    frame = Frame.around(("", "a.py"), [1], [], above, "rest\n")
    assert frame.typed(above, "rest\n") == ""
    assert frame.typed(above + "x = 1\n    y", "rest\n") == "x = 1\n    y"
    assert frame.typed(above + "x", "rest\nmore") is None
    assert frame.typed(above + "x\n" * (TYPED_LINES + 1), "rest\n") is None
    assert above == "" or frame.typed(above[:-1], "rest\n") is None


def test_a_frame_fits_where_a_client_cuts_the_beginning_away():
    above = "".join(f"line {i}\n" for i in range(3000))
    frame = Frame.around(("", "a.py"), [1], [], above, "")
    assert len(frame.above) == SEEN_CHARACTERS
    assert frame.typed((above + "new\nli")[-9000:], "") == "new\nli"


def test_too_much_text_on_a_line_begins_a_new_frame(world):
    typed = "x" * (TYPED_TOKENS + 5)
    new = world.type(typed)
    assert sum(count > 3 for count in new) <= 6


def test_healing_stays_on_the_cursors_line():
    builder = PromptBuilder(TOKENIZER, 2048, GRANITE, 512)
    above = builder.build("", ABOVE, BELOW, 8)
    frame = Frame.around(("", ""), above.ids, above.before, ABOVE, BELOW)
    for typed, healing in [
        ("x = 1\nret", b"ret"),
        ("x = 1\n    ret", b" ret"),
        ("def f():\n", b""),
        ("def f():\n    ", b" "),
    ]:
        prompt = builder.go_on(frame, typed, 8)
        assert prompt.healing == healing
        assert TOKENIZER.decode_bytes(prompt.ids[len(frame.ids) :]) + healing == typed.encode()
    assert RENEWAL_LINES < TYPED_LINES


# ── parts of other files that come and go ───────────────────────────────────────────────────

QWEN_MARKS = ("<|repo_name|>", "<|file_sep|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
SHOP = ("one.py", "two.py")


@pytest.fixture
def shop(tmp_path: Path) -> World:
    for name in SHOP:
        (tmp_path / name).write_text(f"saved = {name!r}\n")
    tokenizer = tokenizer_with("<|endoftext|>", "<|im_start|>", *QWEN_MARKS, words=WORDS)
    return World(tokenizer=tokenizer, repository=str(tmp_path))


def seen(*names: str) -> tuple[TextChunk, ...]:
    return tuple(TextChunk(name, f"what_is_seen_in = {name!r}\n" * 3) for name in names)


def test_what_is_seen_in_other_files_costs_no_key_anything(shop: World) -> None:
    shop.ask(ABOVE, chunks=seen("one.py"))
    shop.completer.grow(lambda: False)
    for end in range(1, 20):
        chunks = seen("one.py") if end < 10 else seen("two.py", "one.py")
        assert shop.ask(ABOVE + TYPED[:end], chunks=chunks)[1] <= 3


def test_it_is_read_with_the_next_frame(shop: World) -> None:
    shop.ask(ABOVE, chunks=seen("one.py"))
    assert "what_is_seen_in = 'one.py'" in shop.prompt
    shop.ask(ABOVE + "x", chunks=seen("two.py"))
    assert "'two.py'" not in shop.prompt
    shop.ask("y = 1\n" + ABOVE, chunks=seen("two.py"))
    assert "what_is_seen_in = 'two.py'" in shop.prompt


def test_a_place_that_was_read_among_others_is_found_again(shop: World) -> None:
    whole = shop.ask(ABOVE, chunks=seen(*SHOP))[0]
    assert shop.ask("y = 1\n" + ABOVE, chunks=seen(*SHOP))[1] < whole - 100  # the parts stayed
