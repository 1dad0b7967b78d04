"""Grids: their points in order, each once, and what is refused."""

import pytest

from engine.sweep.grid import Point, SweepError, read_grid


def test_the_points_are_the_product_the_last_list_fastest(tiny_grid, tmp_path):
    file = tiny_grid(dtypes=["int8", "fp16"], machines=["tiny", "tiny"])
    points = read_grid(file)
    assert [(p.context, p.dtype) for p in points] == [
        (8, "int8"), (8, "fp16"), (16, "int8"), (16, "fp16"),
    ]  # fmt: skip
    assert points[0].model == str(tmp_path / "tiny.json")
    assert len({point.key for point in points}) == 4


@pytest.mark.parametrize(
    ("words", "blocks", "block"),
    [
        ("auto", None, None),
        ("8 blocks", 8, None),
        ("1 block", 1, None),
        ("64x32", None, (64, 32)),
        ("8 blocks of 64x32", 8, (64, 32)),
    ],
)
def test_placements_in_words(words, blocks, block):
    point = Point("plan", "wse3", "m", 0, "model", words)
    assert (point.blocks, point.block) == (blocks, block)


@pytest.mark.parametrize(
    ("lists", "words"),
    [
        ({"placements": ["8x"]}, "placement '8x': write"),
        ({"placements": [""]}, "placement ''"),
        ({"contexts": []}, "contexts is empty"),
        ({"contexts": [-1]}, "at least 1 row"),
        ({"contexts": ["many"]}, "Expected `int`"),
        ({"question": "why"}, "Invalid enum value"),
        ({"model": ["a"]}, "unknown field `model`"),
        ({"contexts": list(range(2000)), "dtypes": [str(i) for i in range(2000)]}, "4,000,000"),
    ],
)
def test_what_makes_no_sense_is_refused(tiny_grid, lists, words):
    with pytest.raises(SweepError, match=words.replace("(", r"\(")):
        read_grid(tiny_grid(**lists))


def test_a_file_that_is_none_is_refused(tmp_path):
    with pytest.raises(SweepError, match="cannot be read"):
        read_grid(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("models = [")
    with pytest.raises(SweepError, match="cannot be read"):
        read_grid(tmp_path / "bad.toml")
