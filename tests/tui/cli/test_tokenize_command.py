"""`spark-tui tokenize`: ids and pieces of a file, or one clear line."""

import json
from pathlib import Path

import pytest

from engine import Session
from tests.gguf_writer import Array, write_gguf
from tui.cli.main import run


def test_the_ids_are_those_the_bundled_model_reads(tmp_path: Path, capsys) -> None:
    file = tmp_path / "a.py"
    file.write_bytes(b"def f(x):\r\n    return 'o' + <|fim_middle|>\n")
    assert run(["tokenize", str(file), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)

    tokenizer = Session.open("spark-nano", tier="reference").tokenizer
    assert printed["ids"] == tokenizer.encode_part(file.read_bytes().decode())
    assert "".join(printed["pieces"]) == file.read_bytes().decode()


def test_a_gguf_file_brings_its_own_vocabulary(tmp_path: Path, capsys) -> None:
    model, file = tmp_path / "tiny.gguf", tmp_path / "text"
    pieces = ["a", "b", "ab", "Ċ"]
    write_gguf(
        model,
        {
            "tokenizer.ggml.model": "gpt2",
            "tokenizer.ggml.pre": "gpt-2",
            "tokenizer.ggml.tokens": Array("str", pieces),
            "tokenizer.ggml.merges": Array("str", ["a b"]),
        },
        {},
    )
    file.write_text("aab\n")
    assert run(["tokenize", str(file), "--model", str(model)]) == 0
    assert capsys.readouterr().out == "      0  'a'\n      2  'ab'\n      3  '\\n'\n"


@pytest.mark.parametrize(
    ("content", "model", "code", "words"),
    [
        (None, None, 2, "cannot read"),
        (b"\xff", None, 2, "no UTF-8 text: byte 0 is 0xff"),
        (b"x", "nothing", 2, "no model 'nothing'"),
        (b"x", "nothing.gguf", 2, "nothing.gguf: no such file"),
    ],
)
def test_what_goes_wrong_is_one_line(tmp_path, capsys, content, model, code, words) -> None:
    file = tmp_path / "text"
    if content is not None:
        file.write_bytes(content)
    assert run(["tokenize", str(file), *(["--model", model] if model else [])]) == code
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err
    assert said.err.count("\n") == 1


def test_a_device_is_no_file_to_tokenize(capsys) -> None:
    assert run(["tokenize", "/dev/zero"]) == 2
    assert "cannot read /dev/zero: not a regular file" in capsys.readouterr().err
