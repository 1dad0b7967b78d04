from collections import Counter
from pathlib import Path
from textwrap import dedent

import pytest

from engine.quality.corpus import Corpus, SourceFile
from engine.quality.python_source import parse_python
from engine.quality.question_sampler import QuestionItem, QuestionSampler

SOURCE = dedent('''\
    """A module with a docstring of some length."""

    import itertools
    from os import (
        path,
    )

    TEXT = """
    this is text, not code at all
    """


    def first(values, default=None):
        """Return the first value, however long this is."""
        # a comment of some length
        for value in values:
            return value
        else:
            return default


    def shout(words):
        print(
            ", ".join(words),
            file=None,
        )
        return sorted(words, key=len)  # by length
''')


def corpus(**texts: str) -> Corpus:
    files = [
        SourceFile(Path("/data") / name.split("__")[0], name.partition("__")[2] + ".py", text)
        for name, text in texts.items()
    ]
    return Corpus(tuple(files), {})


def draw(kind: str, count: int = 100, seed: int = 0, **texts: str) -> list[QuestionItem]:
    return QuestionSampler(corpus(**(texts or {"a__x": SOURCE})), seed).draw(kind, count)


def targets(kind: str, **texts: str) -> list[str]:
    return [item.target for item in draw(kind, **texts)]


def test_line_asks_for_whole_lines_of_code_that_say_something() -> None:
    assert targets("line") == [
        "def first(values, default=None):",
        "    for value in values:",
        "        return value",
        "        return default",
        "def shout(words):",
        '        ", ".join(words),',
        "        file=None,",
        "    return sorted(words, key=len)  # by length",
    ]


def test_the_parts_of_a_question_are_the_file_again() -> None:
    for kind in ("line", "mid", "block", "api"):
        for item in draw(kind):
            assert item.prefix + item.target + item.suffix == SOURCE


def test_mid_cuts_where_tokens_meet_and_goes_to_the_end_of_the_line() -> None:
    for item in draw("mid"):
        assert item.prefix.rpartition("\n")[2].strip()
        assert item.target.strip()
        assert item.suffix.startswith("\n")
        assert not (item.prefix[-1].isalnum() and item.target[0].isalnum())


def test_mid_cuts_differ_with_the_seed() -> None:
    cuts = [[item.hole.start for item in draw("mid", seed=seed)] for seed in range(4)]
    assert cuts[0] == [item.hole.start for item in draw("mid", seed=0)]
    assert len({tuple(cut) for cut in cuts}) > 1


def test_block_asks_for_bodies_behind_their_indentation() -> None:
    bodies = targets("block")
    assert "return value" in bodies
    assert "for value in values:\n        return value\n    else:\n        return default" in bodies
    assert not any(body.startswith('"""') for body in bodies)
    assert all(body == body.strip() for body in bodies)


def test_block_leaves_out_bodies_on_the_line_of_their_statement_and_long_ones() -> None:
    text = "if x: return_something(1)\n" + "def f():\n" + "    call_me(1)\n" * 9
    assert targets("block", a__x=text) == []


def test_api_asks_for_the_arguments_of_calls_on_one_line() -> None:
    assert targets("api") == ["words", "words, key=len"]


def test_columns_count_characters_after_wide_ones() -> None:
    assert targets("api", a__x='ä = "→→→"; function(argument)\n') == ["argument"]


def test_cross_asks_for_the_first_use_of_names_of_other_files() -> None:
    user = dedent("""\
        from a.shapes import Circle as Round, os
        from .colours import red
        from . import sizes
        from elsewhere import thing
        import a.shapes

        def draw():
            thing.call_it_here()
            picture = Round(radius=1)
            second = Round(red, radius=2)
            return sizes.of(picture)
    """)
    items = draw(
        "cross",
        a__main=user,
        a__shapes="class Circle: ...\n",
        a__colours="red = 1\n",
        a__sizes="def of(): ...\n",
    )
    assert [(item.hole.name, item.target.strip()) for item in items] == [
        ("Round", "picture = Round(radius=1)"),
        ("red", "second = Round(red, radius=2)"),
        ("sizes", "return sizes.of(picture)"),
    ]


def test_cross_knows_modules_in_folders_and_relative_to_them() -> None:
    imports = "from ..core import engine_of\nfrom pkg.util.text import shorten\n\n"
    user = imports + "result = shorten(engine_of(1))\n"
    items = draw(
        "cross",
        **{
            "r__src/pkg/sub/user": user,
            "r__src/pkg/core": "x = 1\n",
            "r__src/pkg/util/text": "y = 1\n",
        },
    )
    assert [item.hole.name for item in items] == ["engine_of"]


def test_questions_come_evenly_from_repositories_and_files() -> None:
    text = "\n".join(f"value_{i} = compute({i})" for i in range(30))
    texts = {f"big__f{i}": text + f"\n# {i}" for i in range(8)} | {"small__f": text}
    items = draw("line", 16, **texts)
    assert Counter(item.file.root.name for item in items) == {"big": 8, "small": 8}
    assert set(
        Counter(item.file.path for item in items if item.file.root.name == "big").values()
    ) == {1}


def test_questions_are_those_of_the_seed() -> None:
    texts = {"a__x": SOURCE, "b__y": SOURCE + "\n"}
    assert draw("line", 5, 1, **texts) == draw("line", 5, 1, **texts)
    assert draw("line", 5, 1, **texts) != draw("line", 5, 2, **texts)


def test_a_kind_does_not_depend_on_the_number_asked() -> None:
    few, many = draw("line", 3), draw("line", 6)
    assert set(few) < set(many)


@pytest.mark.parametrize(
    "text",
    ["def broken(:\n", "x = '\0'\n", "print 'python 2'\n", "(" * 500 + ")" * 500, "\tif x:\n  y"],
)
def test_a_file_that_does_not_parse_has_no_questions(text: str) -> None:
    assert parse_python(text) is None
    assert targets("line", a__x=text) == []


def test_tabs_and_form_feeds_are_code_like_any_other() -> None:
    text = "\f\ndef function(argument):\n\tif argument:\n\t\treturn argument\n\treturn None\n"
    assert targets("line", a__x=text) == [
        "def function(argument):",
        "\tif argument:",
        "\t\treturn argument",
        "\treturn None",
    ]
