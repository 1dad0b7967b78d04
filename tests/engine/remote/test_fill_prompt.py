"""Prompts as text, written out; what is cut, and what stops a family's model."""

import pytest

from engine.protocol.completion import TextChunk
from engine.remote.fill_prompt import FillWay, SentCursor, family_style, fill_request, marked_prompt

CURSOR = SentCursor("a.py", "x = ", "\ny", (TextChunk("b.py", "z = 1\n"),), "lib")


@pytest.mark.parametrize(
    ("model", "prompt"),
    [
        (
            "Qwen/Qwen2.5-Coder-7B-Instruct",
            "<|repo_name|>lib\n<|file_sep|>b.py\nz = 1\n<|file_sep|>a.py\n"
            "<|fim_prefix|>x = <|fim_suffix|>\ny<|fim_middle|>",
        ),
        (
            "bigcode/starcoder2-3b",
            "<repo_name>lib<file_sep>b.py\nz = 1<file_sep><fim_prefix>a.py\nx = "
            "<fim_suffix>\ny<fim_middle>",
        ),
        (
            "deepseek-ai/deepseek-coder-1.3b-base",
            "<｜fim▁begin｜>#b.py\nz = 1\n#a.py\nx = <｜fim▁hole｜>\ny<｜fim▁end｜>",
        ),
        ("codellama/CodeLlama-7b-hf", "▁<PRE>x = ▁<SUF>\ny▁<MID>"),
        ("google/codegemma-2b", "<|fim_prefix|>x = <|fim_suffix|>\ny<|fim_middle|>"),
        ("mistralai/Codestral-22B", "[SUFFIX]\ny[PREFIX]+++++ b.py\nz = 1\n\n+++++ a.py\nx = "),
    ],
)
def test_the_prompt_of_a_family(model, prompt):
    assert marked_prompt(family_style(model), CURSOR) == prompt


def test_a_family_that_nobody_knows_has_no_markers():
    assert family_style("meta-llama/Llama-3.1-8B") is None


def test_each_way_sends_the_text_in_its_own_fields():
    assert fill_request(FillWay.SUFFIX, None, CURSOR) == (
        "/completions",
        {"prompt": "x = ", "suffix": "\ny"},
    )
    path, fields = fill_request(FillWay.INFILL, None, CURSOR)
    assert path == "/infill"
    assert fields["input_extra"] == [{"filename": "b.py", "text": "z = 1\n"}]
    assert fill_request(FillWay.NONE, None, CURSOR)[1] == {"prompt": "x = "}
    _, marked = fill_request(FillWay.MARKERS, family_style("qwen2.5-coder"), CURSOR)
    assert marked["stop"] == ["<|file_sep|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]


def test_a_long_text_is_cut_between_lines_and_chunks_that_do_not_fit_are_left_out():
    lines = "".join(f"line {i}\n" for i in range(5000))
    chunks = [TextChunk("b.py", "x" * 5000), TextChunk("c.py", "y")]
    cursor = SentCursor.cut("a.py", lines, lines, 1000, chunks, "lib")
    assert 600 < len(cursor.prefix) <= 710
    assert cursor.prefix.startswith("line ")
    assert cursor.suffix.endswith("\n")
    assert len(cursor.suffix) <= 300
    assert [chunk.path for chunk in cursor.chunks] == ["c.py"]
    assert (
        len(SentCursor.cut("", "x" * 99_999, "", 10**9).prefix) == 6000
    )  # one line has no other cut
