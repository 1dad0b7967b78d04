"""Reading a configuration file: what is no configuration, and what a message shows of a value."""

import pytest

from engine.errors import ConfigError
from engine.model.families.fields import Fields, check_multiple, check_positive, check_size


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not valid JSON"),
        ("{", "not valid JSON"),
        ("[" * 100_000, "not valid JSON"),
        ('{"vocab_size": 1' + "0" * 9000 + "}", "not valid JSON"),
        ("[1, 2]", "not a list"),
        ("null", "not null"),
        ('"llama"', "not a text"),
        ("x" * (1 << 21), "larger than"),
    ],
)
def test_a_file_that_is_no_configuration(tmp_path, text, reason):
    (tmp_path / "config.json").write_text(text)
    with pytest.raises(ConfigError, match=reason):
        Fields.from_file(tmp_path / "config.json")


def test_bytes_that_are_no_text(tmp_path):
    (tmp_path / "config.json").write_bytes(b'{"model_type": "\xff\xfe"}')
    with pytest.raises(ConfigError, match="not valid JSON"):
        Fields.from_file(tmp_path / "config.json")


def test_no_file_and_no_file_at_all(tmp_path):
    with pytest.raises(ConfigError, match="no such file"):
        Fields.from_file(tmp_path / "config.json")
    (tmp_path / "config.json").mkdir()
    with pytest.raises(ConfigError, match="cannot be read"):
        Fields.from_file(tmp_path / "config.json")


def test_fields_are_returned_by_type():
    fields = Fields({"width": 64, "eps": 1, "tied": False, "name": "toy", "other": [2]})
    assert fields.integer("width") == 64
    assert fields.number("eps") == 1.0
    assert fields.boolean("tied", True) is False
    assert fields.text("name") == "toy"
    assert fields.get("other") == [2]


def test_absent_and_null_are_the_default_or_missing():
    fields = Fields({"width": None})
    assert fields.integer("width", 3) == fields.integer("absent", 3) == 3
    assert fields.get("width") is fields.get("absent") is None
    with pytest.raises(ConfigError, match="field 'width' is missing"):
        fields.integer("width")


@pytest.mark.parametrize(
    ("method", "value", "words"),
    [
        ("integer", True, "is true; allowed: a whole number"),
        ("integer", 64.0, r"is 64\.0; allowed: a whole number"),
        ("number", "1", 'is "1"; allowed: a number'),
        ("number", False, "is false; allowed: a number"),
        (
            "number",
            10**400,
            "is a whole number of more than 20 digits; allowed: a number that a double holds",
        ),
        ("text", "", 'is ""; allowed: a text'),
        ("text", 3, "is 3; allowed: a text"),
    ],
)
def test_another_type_is_named_with_what_is_allowed(method, value, words):
    with pytest.raises(ConfigError, match=f"field 'x' {words}"):
        getattr(Fields({"x": value}), method)("x")


def test_a_long_value_is_cut():
    with pytest.raises(ConfigError) as caught:
        Fields({"x": "y" * 5000}).integer("x")
    assert len(str(caught.value)) < 120


def test_limits():
    check_size("n", 1)
    check_positive("eps", 1e-5, below=1.0)
    check_multiple("n", 64, 32)
    with pytest.raises(ConfigError, match="'n' is 0; allowed: a whole number, 1 to 7"):
        check_size("n", 0, 7)
    for value in (0.0, 1.0, float("nan"), float("inf")):
        with pytest.raises(ConfigError, match="above 0 and below 1"):
            check_positive("eps", value, below=1.0)
    with pytest.raises(ConfigError, match=r"a multiple of 32 .*groups of 32 inputs"):
        check_multiple("n", 65, 32)
