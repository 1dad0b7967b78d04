"""The language of a file by its name."""

import pytest

from tui.code.languages import comment_sign, language_of


@pytest.mark.parametrize(
    ("name", "language"),
    [
        ("x/decoder.py", "python"),
        ("stub.PYI", "python"),
        ("README.md", "markdown"),
        ("Cargo.toml", "toml"),
        (".bashrc", "bash"),
        ("Makefile", None),
        ("notes.txt", None),
        ("", None),
    ],
)
def test_the_name_tells_the_language(name, language):
    assert language_of(name) == language


def test_a_first_line_tells_it_where_the_name_does_not():
    assert language_of("tool", "#!/usr/bin/env python3") == "python"
    assert language_of("tool", "#!/bin/sh") == "bash"
    assert language_of("tool", "#!/usr/bin/perl") is None
    assert (comment_sign("rust"), comment_sign("json"), comment_sign(None)) == ("//", None, "#")
