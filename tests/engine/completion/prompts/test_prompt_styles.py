"""The prompt of every family, written out: control tokens as they are called, text as it is."""

import pytest

from engine.completion.prompts.prompt import PromptBuilder
from engine.completion.prompts.prompt_styles import STYLES, PromptStyle, find_style, text_ends
from engine.repository.other_files import FileChunk
from engine.token_roles import FIM_MARKERS, TokenRoles
from engine.tokenizer import Tokenizer
from tests.engine_tokenizers import tokenizer_with

PIPED = ("<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>")
ANGLES = ("<fim_prefix>", "<fim_suffix>", "<fim_middle>")
QWEN = ("<|endoftext|>", "<|im_start|>", *PIPED, "<|repo_name|>", "<|file_sep|>")
KEYS = TokenRoles(parts={"prefix": 1, "suffix": 2, "middle": 3})

VOCABULARIES: dict[str, Tokenizer] = {
    "spark": tokenizer_with("<|endoftext|>", *PIPED, "<|repo_name|>", "<|file_sep|>"),
    "qwen": tokenizer_with(*QWEN),
    "codegemma": tokenizer_with(
        "<bos>", *PIPED, "<|file_separator|>", pieced=True, roles=TokenRoles(start=(0,))
    ),
    "granite": tokenizer_with("<|endoftext|>", *PIPED, "<|start_of_role|>"),
    "mellum": tokenizer_with("<|endoftext|>", *ANGLES, "<filename>", "<reponame>"),
    "starcoder2": tokenizer_with("<|endoftext|>", *ANGLES, "<repo_name>", "<file_sep>"),
    "codeqwen": tokenizer_with("<|endoftext|>", *ANGLES, "<reponame>", "<file_sep>"),
    "starcoder": tokenizer_with("<|endoftext|>", *ANGLES, "<filename>", "<reponame>"),
    "santacoder": tokenizer_with("<|endoftext|>", "<fim-prefix>", "<fim-suffix>", "<fim-middle>"),
    "deepseek": tokenizer_with(
        *("<｜begin▁of▁sentence｜>", "<｜fim▁begin｜>", "<｜fim▁hole｜>", "<｜fim▁end｜>"),
        roles=TokenRoles(start=(0,)),
    ),
    "codellama": tokenizer_with(
        *("<s>", "▁<PRE>", "▁<SUF>", "▁<MID>", "▁<EOT>"),
        pieced=True,
        roles=TokenRoles(start=(0,), space_first=True),
    ),
    "codestral": tokenizer_with("<s>", "[SUFFIX]", "[PREFIX]", roles=TokenRoles(start=(0,))),
    "glm": tokenizer_with("<eop>", "<|code_prefix|>", "<|code_suffix|>", "<|code_middle|>"),
    "keys": tokenizer_with("<end>", "<before>", "<after>", "<fill>", roles=KEYS),
}

ALONE = {
    "spark": "<|file_sep|>b.py\n<|fim_prefix|><|fim_suffix|>)\n<|fim_middle|>x\n y(",
    "qwen": "<|file_sep|>b.py\n<|fim_prefix|>x\n<|fim_suffix|>)\n<|fim_middle|> y(",
    "codegemma": "<bos><|fim_prefix|>x\n<|fim_suffix|>)\n<|fim_middle|> y(",
    "granite": "<|fim_prefix|>x\n<|fim_suffix|>)\n<|fim_middle|> y(",
    "mellum": "<filename>b.py\n<fim_suffix>)\n<fim_prefix>x\n<fim_middle> y(",
    "starcoder2": "<file_sep><fim_prefix>b.py\nx\n<fim_suffix>)\n<fim_middle> y(",
    "codeqwen": "<file_sep>b.py\n<fim_prefix>x\n<fim_suffix>)\n<fim_middle> y(",
    "starcoder": "<fim_prefix>x\n<fim_suffix>)\n<fim_middle> y(",
    "santacoder": "<fim-prefix>x\n<fim-suffix>)\n<fim-middle> y(",
    "deepseek": "<｜begin▁of▁sentence｜><｜fim▁begin｜>x\n<｜fim▁hole｜>)\n<｜fim▁end｜> y(",
    "codellama": "<s>▁<PRE> x\n▁<SUF>)\n▁<MID> y(",
    "codestral": "<s>[SUFFIX])\n[PREFIX]x\n y(",
    "glm": "<|code_prefix|>x\n<|code_suffix|>)\n<|code_middle|> y(",
    "keys": "<before>x\n<after>)\n<fill> y(",
}

AMONG_OTHERS = {
    "qwen": "<|repo_name|>shop\n<|file_sep|>a.py\ndef a():\n<|file_sep|>b.py\n"
    "<|fim_prefix|>x\n<|fim_suffix|>)\n<|fim_middle|> y(",
    "mellum": "<filename>a.py\ndef a():\n<filename>b.py\n"
    "<fim_suffix>)\n<fim_prefix>x\n<fim_middle> y(",
    "starcoder2": "<repo_name>shop<file_sep>a.py\ndef a():<file_sep><fim_prefix>b.py\nx\n"
    "<fim_suffix>)\n<fim_middle> y(",
    "codeqwen": "<reponame>shop\n<file_sep>a.py\ndef a():\n<file_sep>b.py\n"
    "<fim_prefix>x\n<fim_suffix>)\n<fim_middle> y(",
    "deepseek": "<｜begin▁of▁sentence｜><｜fim▁begin｜>#a.py\ndef a():\n#b.py\nx\n"
    "<｜fim▁hole｜>)\n<｜fim▁end｜> y(",
    "codestral": "<s>[SUFFIX])\n[PREFIX]+++++ a.py\ndef a():\n\n+++++ b.py\nx\n y(",
}


def style_of(family: str) -> PromptStyle | None:
    return find_style(VOCABULARIES[family], family)


def written(tokenizer: Tokenizer, ids: list[int]) -> str:
    """A prompt with the names of its control tokens."""
    names = {tokenizer.special(name): name for name in tokenizer.special_names}
    parts = [names[i].encode() if i in names else tokenizer.token_bytes(i) for i in ids]
    return b"".join(parts).decode()


def prompt(family: str, *, others: bool = False, **changes: int) -> str:
    tokenizer, style = VOCABULARIES[family], style_of(family)
    builder = PromptBuilder(tokenizer, 4096, style, healing=False, split_lines=0, **changes)
    chunks = [FileChunk("a.py", "def a():\n")] if others else []
    built = builder.build("b.py", "x\n y(", ")\n", 8, chunks, "shop")
    return written(tokenizer, built.ids)


def test_what_was_seen_last_stands_behind_other_files_the_best_nearest_to_the_file() -> None:
    tokenizer = VOCABULARIES["qwen"]
    builder = PromptBuilder(tokenizer, 4096, style_of("qwen"), healing=False, split_lines=0)
    outlines = [FileChunk("a.py", "def a():\n")]
    recent = [FileChunk("best.py", "best = 1\n"), FileChunk("second.py", "second = 2\n")]
    built = builder.build("b.py", "x\n y(", ")\n", 8, outlines, "shop", recent)
    assert written(tokenizer, built.ids).startswith(
        "<|repo_name|>shop\n<|file_sep|>a.py\ndef a():\n<|file_sep|>second.py\nsecond = 2\n"
        "<|file_sep|>best.py\nbest = 1\n<|file_sep|>b.py\n<|fim_prefix|>"
    )


def test_what_was_seen_last_takes_no_room_of_the_file() -> None:
    tokenizer = VOCABULARIES["qwen"]
    builder = PromptBuilder(tokenizer, 4096, style_of("qwen"), max_prompt_tokens=400)
    recent = [FileChunk(f"{i}.py", f"name_{i} = {i}\n" * 9) for i in range(20)]

    def build(chunks: list[FileChunk]) -> list[int]:
        return builder.build("b.py", "x = 1\n" * 400, "y = 1\n" * 400, 8, (), "shop", chunks).ids

    alone, among = build([]), build(recent)
    assert among[-len(alone) :] == alone
    assert len(alone) + 100 < len(among) <= len(alone) + 200 + len("shop\n") + 1


def test_every_style_has_its_vocabulary_and_prompt_here() -> None:
    assert VOCABULARIES.keys() == ALONE.keys() == {style.name for style in STYLES}
    assert AMONG_OTHERS.keys() == {style.name for style in STYLES if style.shows_files}


@pytest.mark.parametrize("family", VOCABULARIES)
def test_the_vocabulary_tells_the_style(family: str) -> None:
    style = style_of(family)
    assert style is not None
    assert style.name == family


@pytest.mark.parametrize("family", VOCABULARIES)
def test_the_prompt_of_a_file_alone(family: str) -> None:
    assert prompt(family) == ALONE[family]


@pytest.mark.parametrize("family", VOCABULARIES)
def test_the_prompt_of_a_file_among_others(family: str) -> None:
    assert prompt(family, others=True) == AMONG_OTHERS.get(family, ALONE[family])


def test_the_markers_by_which_models_are_listed_are_those_of_the_styles() -> None:
    markers = [
        frozenset(part for part in style.parts if isinstance(part, str)) - {style.file}
        for style in STYLES
    ]
    by_name = {each for each in markers if not any("key:" in name for name in each)}
    assert by_name == {*FIM_MARKERS}


def test_without_tokens_to_fill_the_middle_there_is_no_style() -> None:
    assert find_style(tokenizer_with("<|endoftext|>", "<|im_start|>", "<file_sep>")) is None
    assert find_style(tokenizer_with("<|endoftext|>", *PIPED[:2])) is None


def test_a_prompt_without_a_style_is_the_text_before_the_cursor() -> None:
    tokenizer = tokenizer_with("<bos>", roles=TokenRoles(start=(0,)))
    build = PromptBuilder(tokenizer, 256, None, healing=False).build
    assert written(tokenizer, build("b.py", "x\n y(", ")\n", 8).ids) == "<bos>x\n y("
    assert written(tokenizer, build("b.py", "", ")\n", 8).ids) == "<bos>"


@pytest.mark.parametrize("family", VOCABULARIES)
def test_control_tokens_in_a_file_stay_text(family: str) -> None:
    tokenizer, style = VOCABULARIES[family], style_of(family)
    names = "".join(tokenizer.special_names)
    builder = PromptBuilder(tokenizer, 4096, style, healing=False)
    chunks = [FileChunk(names, names)]
    plain = builder.build("b", "x\n", "\n", 8, [FileChunk("b", "b")], "b").ids
    built = builder.build(names, f"{names}\n{names}", names, 8, chunks, names).ids
    controls = tokenizer.special_ids
    assert [i for i in built if i in controls] == [i for i in plain if i in controls]


@pytest.mark.parametrize("family", VOCABULARIES)
def test_typing_only_appends(family: str) -> None:
    """So the KV cache keeps everything else."""
    tokenizer, style = VOCABULARIES[family], style_of(family)
    builder = PromptBuilder(tokenizer, 4096, style, healing=False)
    before = builder.build("b.py", "x\n", ")\n", 8).ids
    for typed in ("y", "yy", "yy = f"):
        ids = builder.build("b.py", "x\n" + typed, ")\n", 8).ids
        assert ids[: len(before)] == before
        before = ids


def test_chunks_take_a_share_and_are_cut_at_a_line_end() -> None:
    tokenizer = VOCABULARIES["qwen"]
    builder = PromptBuilder(tokenizer, 4096, style_of("qwen"), max_prompt_tokens=400)
    chunks = [FileChunk(f"{name}.py", f"def {name}():\n" * 20) for name in "ab"]
    text = written(tokenizer, builder.build("c.py", "x = 1\n" * 200, "", 8, chunks, "shop").ids)
    shown, _, rest = text.partition("<|file_sep|>c.py\n")
    assert shown.startswith("<|repo_name|>shop\n<|file_sep|>a.py\ndef a():\n")
    assert shown.endswith("def a():\n")
    assert 50 < len(shown) <= 100 + len("<|repo_name|><|file_sep|>")
    assert rest.startswith("<|fim_prefix|>x = 1\n")


def test_chunks_leave_the_files_own_lines_in_place() -> None:
    tokenizer = VOCABULARIES["qwen"]
    chunks = [FileChunk("a.py", "def a():\n" * 20)]
    lines = "".join(f"x{i} = {i}\n" for i in range(200))

    def built(context: int, chunks: list[FileChunk]) -> list[int]:
        builder = PromptBuilder(tokenizer, context, style_of("qwen"), max_prompt_tokens=400)
        return builder.build("c.py", lines, "y = 1\n" * 200, 8, chunks, "shop").ids

    alone, among = built(4096, []), built(4096, chunks)
    assert len(alone) <= 400 < len(among) <= 500
    assert among[-len(alone) :] == alone
    # A context that the file's own prompt fills has no room beside it.
    assert built(408, chunks) == built(408, [])


def test_a_model_ends_with_the_token_its_file_names_or_with_any_control_token() -> None:
    style = style_of("qwen")
    assert style is not None
    named = tokenizer_with(*QWEN, roles=TokenRoles(end=1))
    assert text_ends(style, named).tolist() == [1, 0, 2, 3, 4, 5, 6]
    spark = style_of("spark")
    assert spark is not None
    assert text_ends(spark, VOCABULARIES["spark"]).tolist() == [0]
