import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.completion.prompts.frames import SPLIT_LINES, SPLIT_TOKENS
from engine.completion.prompts.prompt import MARGIN_TOKENS, PromptBuilder, window_start
from engine.completion.prompts.prompt_styles import STYLES
from engine.errors import PromptError
from engine.generation.kept_prompts import common_length
from tests.engine_tokenizers import byte_tokenizer, merging_tokenizer

TOKENIZER = byte_tokenizer()
END, PREFIX, MIDDLE, SUFFIX, _, _, FILE = range(7)

code = st.text(st.sampled_from("ab (\n\té€"), max_size=300)


STYLE = {style.name: style for style in STYLES}
SPARK, TYPED = STYLE["spark"], STYLE["granite"]
"""The cursor's line comes last with all text before it, or alone."""


def builder(context_length=256, style=SPARK, **options):
    return PromptBuilder(TOKENIZER, context_length, style, **options)


def say(prompt):
    """The prompt with its markers written out."""
    names = {PREFIX: "<P>", MIDDLE: "<M>", SUFFIX: "<S>", FILE: "<F>", END: "<E>"}
    out = b""
    for token in prompt.ids:
        out += names[token].encode() if token in names else TOKENIZER.token_bytes(token)
    return out.decode()


def test_a_model_without_fill_in_the_middle_gets_the_prefix():
    assert say(builder(style=None).build("", "x = ", "rest", 8)) == "x = "
    assert say(builder(style=None).build("", "", "rest", 8)) == "<E>"


def test_a_marker_in_the_text_stays_text():
    prompt = builder().build("", "a<|fim_middle|>", "<|endoftext|>", 8)
    assert [token for token in prompt.ids if token < 7] == [PREFIX, SUFFIX, MIDDLE]


def test_a_path_that_would_crowd_out_the_code_is_left_away():
    assert say(builder().build("x" * 200, "a", "", 8)) == "<P><S><M>a"


@given(code, code, st.sampled_from([SPARK, TYPED]), st.booleans(), st.integers(1, 100))
def test_the_prompt_leaves_room_and_says_what_stands_at_the_cursor(
    prefix, suffix, style, healing, max_tokens
):
    prompt = builder(style=style, healing=healing).build("a.py", prefix, suffix, max_tokens)
    assert len(prompt.ids) + max_tokens + MARGIN_TOKENS <= 256
    before, _, after = say(prompt).removeprefix("<F>a.py\n").removeprefix("<P>").partition("<S>")
    if style is SPARK:
        after, _, before = after.partition("<M>")
    else:
        after, _, typed = after.partition("<M>")
        before += typed
    before += prompt.healing.decode()
    assert prefix.endswith(before)
    assert suffix.startswith(after)
    short = len(prefix.encode()) + len(suffix.encode()) < 60
    assert (before, after) == (prefix, suffix) or not short


@given(st.text(st.sampled_from("ab (\n"), max_size=400), st.integers(0, SPLIT_LINES))
def test_lines_above_the_cursors_count_as_typed(prefix, lines):
    prompt = builder(1024, TYPED, split_lines=lines).build("", prefix, "", 8)
    above, typed = prefix[: prompt.split], prefix[prompt.split :]
    assert say(prompt) + prompt.healing.decode() == f"<P>{above}<S><M>{typed}"
    assert not above or above.endswith("\n")
    assert typed.count("\n") <= lines
    if typed.count("\n") < min(lines, prefix.count("\n")):  # one more would be too many tokens
        another = above[:-1].rpartition("\n")[2]
        assert len(another) + 1 + len(typed) > SPLIT_TOKENS


def test_a_style_without_typed_text_has_no_split():
    assert builder().build("", "a\nb", "", 8).typed is None


def test_the_parts_share_the_room_about_three_to_one():
    prompt = builder(1024).build("", "p" * 3000, "s" * 3000, 24)
    text = say(prompt)
    assert 0.7 < text.count("p") / text.count("s") / 3 < 1.3


def test_a_short_prefix_gives_room_to_the_suffix():
    text = say(builder(1024).build("", "p", "s" * 3000, 24))
    assert text.count("s") > 700


def test_a_suffix_is_cut_at_a_line_end():
    text = say(builder(256).build("", "p" * 300, "\n" + "ssss\n" * 100, 24))
    assert text.partition("<M>")[0].endswith("ssss\n")


def test_a_prefix_is_cut_at_a_line_start():
    text = say(builder(256).build("", "pqrst\n" * 100, "", 24))
    assert text.partition("<M>")[2].startswith("pqrst\n")


def test_a_prompt_has_a_limit_of_its_own():
    prompt = builder(4096, max_prompt_tokens=300).build("", "p" * 3000, "s" * 3000, 64)
    assert 250 < len(prompt.ids) <= 300


def test_no_room_is_refused():
    with pytest.raises(PromptError, match="max_tokens 250"):
        builder().build("", "a", "b", 250)


def some_code(lines, seed=0):
    generator = random.Random(seed)
    return "".join(
        " " * (4 * generator.randrange(3)) + f"name{generator.randrange(1000)} = 1\n"
        for _ in range(lines)
    )


@pytest.mark.parametrize("style", [SPARK, TYPED])
def test_a_window_slides_rarely_while_text_is_typed(style):
    build = builder(1024, style=style).build
    text, typed = some_code(200), some_code(12, seed=1)
    reused = []
    previous = build("a.py", text, "\nrest\n", 24).ids
    for end in range(1, len(typed)):
        ids = build("a.py", text + typed[:end], "\nrest\n", 24).ids
        reused.append(common_length(previous, ids) / len(ids))
        previous = ids
    slides = sum(share < 0.5 for share in reused)
    assert slides <= 3


def test_the_window_does_not_depend_on_how_much_text_lies_before_it():
    text = some_code(400)
    whole = builder(512).build("", text, "", 24).ids
    for cut in (1, 7, 100, 3000):
        assert builder(512).build("", text[cut:], "", 24).ids == whole


@pytest.mark.parametrize("style", [SPARK, TYPED, None])
def test_one_long_line_is_no_problem(style):
    text = "value, " * 20_000
    build = builder(512, style=style).build
    assert 300 < len(build("", text, text, 24).ids) <= 512 - 24


@given(st.text(st.sampled_from("ab \n"), min_size=1, max_size=80), st.data())
def test_a_window_starts_within_its_bounds_at_a_line_if_there_is_one(text, data):
    earliest = data.draw(st.integers(0, len(text) - 1))
    latest = data.draw(st.integers(earliest, len(text) - 1))
    start = window_start(text, earliest, latest)
    assert earliest <= start <= latest
    if "\n" in text[max(0, earliest - 1) : latest]:
        assert text[start - 1] == "\n"


def test_healing_takes_back_a_token_that_could_grow():
    tokenizer = merging_tokenizer()
    healed = PromptBuilder(tokenizer, 256, SPARK).build("", "    ret", "", 8)
    assert healed.healing == b"ret"
    assert tokenizer.decode(healed.ids) == "    "
    kept = PromptBuilder(tokenizer, 256, SPARK).build("", "    return", "", 8)
    assert kept.healing == b""
