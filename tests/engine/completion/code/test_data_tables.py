"""Tables of plain data: where one is, what is kept of a text for it, and what is made up."""

import pytest

from engine.completion.code.data_tables import table_at
from engine.completion.code.surroundings import Surroundings
from engine.completion.rules.trim import before_made_up_data, trim

SPINNERS = """SPINNERS = {
    "toggle4": {"interval": 100, "frames": "■□▪▫"},
    "toggle5": {"interval": 100, "frames": "▮▯"},
    "toggle6": {"interval": 300, "frames": "ဝ၀"},
    "toggle7": {"interval": 80, "frames": "⦾⦿"},
    "toggle8": {"interval": 100, "frames": "◍◌"},
"""
RANGES = "WIDE = [\n" + "".join(f"    ({n}, {n * 7 % 90}, 0),\n" for n in (3, 41, 58, 60, 97))
POWERS = "BITS = (\n    0x01,\n    0x02,\n    0x03,\n    0x04,\n    0x05,\n"
STATUS = "S = {\n" + "".join(
    f'    {n}: "{what}",\n'
    for n, what in ((400, "Bad"), (401, "No"), (402, "Pay"), (403, "Forbidden"), (404, "Not Found"))
)
SAME = "T = [\n" + "".join(f'    ("{n}", "{n}"),\n' for n in ("1a", "7b", "3q", "9z", "2x"))


@pytest.mark.parametrize(
    ("above", "before", "text", "kept"),
    [
        # Names of columns, and a name that counts on, are certain; what they hold is not.
        (SPINNERS, "    ", '"toggle9": {"interval": 90', '"toggle9": {"interval": '),
        (SPINNERS, "    ", '"arrow7": {"interval": 90', '"arrow7": {"interval": '),
        (SPINNERS, '    "togg', 'le9": {"interval": 90', 'le9": {"interval": '),
        (SPINNERS, '    "toggle9": {"interval": 1', '20, "frames": "', ""),
        (SPINNERS, '    "toggle9": {"interval": 120', ', "frames": "', ', "frames": "'),
        (SPINNERS, '    "toggle9": {"interval": 120, "frames": "', '◉◎"},', ""),
        (SPINNERS, '    "toggle9": {"interval": 120, "frames": "◉◎"', "},", "},"),
        # Where a string ends that the person began; "toggle9" is the next name.
        (SPINNERS, '    "arr', '": {"interval": ', ""),
        (SPINNERS, '    "toggle9', '": {"interval": ', '": {"interval": '),
        (SPINNERS, '    "toggle9": {"inter', 'val": 7', 'val": '),
        (SPINNERS, '    "', 'arrow": {"interval": ', 'arrow": {"interval": '),
        (SPINNERS, "", "}\n", "}\n"),
        # What all rows say, and what counts on, in any base and over several lines.
        (RANGES, "    (98, 99, ", "0),", "0),"),
        (RANGES, "    (98, 99, ", "1),", ""),
        (RANGES, "    (", "98, 99, 0),", ""),
        (POWERS, "    ", "0x06,\n    0x07,\n    0x09,\n", "0x06,\n    0x07,\n    "),
        (POWERS, "    ", "0x0", "0x0"),
        # Words are the model's; numbers are not, but those that count on.
        (STATUS, "    ", '405: "Method Not Allowed",', '405: "Method Not Allowed",'),
        (STATUS, "    ", '418: "I am a teapot",', ""),
        (STATUS, "    405: ", '"Section 4",', '"Section 4",'),
        # What repeats the left.
        (SAME, '    ("4k", ', '"4k"),', '"4k"),'),
        (SAME, '    ("4k", ', '"5k"),', ""),
        # Code ends the judgement.
        (RANGES, "    ", "*more(7, 8),", "*more(7, 8),"),
    ],
)
def test_what_is_kept(above: str, before: str, text: str, kept: str) -> None:
    around = Surroundings.of(above + before, "\n", "a.py")
    assert before_made_up_data(text, around) == kept


@pytest.mark.parametrize(
    "text",
    [
        '"toggle9": {"interval": 90, "frames": "◉"},',
        '"toggle9": {"interval": "◉ looks", "frames": 3},',
        '"toggle9": {"interval": "--◉", "frames": 3},',
        '"toggle9": {"interval": "3 ways", "frames": 3},',
        '"toggle9": {"interval": "\\u00e9 and", "frames": 3},',
    ],
)
def test_what_is_cut_stays_cut_as_the_text_grows(text: str) -> None:
    around = Surroundings.of(SPINNERS + "    ", "\n}\n", "a.py")
    whole = before_made_up_data(text, around)
    assert whole != text
    for length in range(1, len(text)):
        cut = before_made_up_data(text[:length], around)
        assert cut in (text[:length], whole)


@pytest.mark.parametrize("said", ["--help", "x86", "ガロン", "a ◉", "", "\\n is"])
def test_strings_that_may_be_words_are_let_be(said: str) -> None:
    around = Surroundings.of(SPINNERS + "    ", "\n}\n", "a.py")
    text = f'"toggle9": {{"interval": "{said}", "frames": "end"}},'
    assert before_made_up_data(text, around) == text


def test_a_table_in_another_language() -> None:
    rows = "".join(f'  {{"id": {n}, "at": {n * 7 % 90}}},\n' for n in (3, 4, 5, 6, 7))
    around = Surroundings.of("const rows = [\n" + rows + "  ", "\n", "a.js")
    assert trim('{"id": 8, "at": 31},', around) == '{"id": 8, "at":'


@pytest.mark.parametrize(
    ("above", "before"),
    [
        ("A = [\n    1,\n    2,\n    3,\n    4,\n", "    "),  # too few rows
        ("call(\n" + "    x, 1,\n" * 9, "    "),  # names
        ("".join(f"x{n} = {n}\n" for n in range(9)), "x9 = "),  # statements
        ("MESSAGE = (\n" + '    "One line of text 1"\n' * 9, "    "),  # one long string
        (RANGES, "    x = "),
        ("", ""),
    ],
)
def test_there_is_no_table(above: str, before: str) -> None:
    assert table_at(above + before, "\n") is None


def test_rows_below_the_cursor_count() -> None:
    first, *below = RANGES.split("\n")[1:-1]
    assert table_at(f"WIDE = [\n{first}\n    ", "\n" + "\n".join(below) + "\n]\n") is not None
    assert table_at(f"WIDE = [\n{first}\n    ", "\n]\n") is None
