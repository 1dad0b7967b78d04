import numpy as np
import pytest

from engine.knowledge.cursor_lines import CursorLines
from engine.knowledge.line_index import NEIGHBOURS, SAME_STEP, Neighbours
from engine.knowledge.line_search import find_lines
from engine.knowledge.text_index import IndexView, TextIndex

TEXT = """\
class Shape:
    def area(self):
        width = self.width

        return width * self.height

    def name(self):
        return self.title
"""


def found(tokenizer, prefix, suffix="", *, one_line=True):
    """What the lines of the text offer for a cursor, best first."""
    index = TextIndex(tokenizer, [("shape.py", TEXT)])
    cursor = CursorLines.of(prefix, suffix, b"", one_line=one_line)
    lines = find_lines([IndexView(index)], tokenizer, cursor)
    return [(line.text + line.ending(cursor)).decode() for line in lines]


def test_lines_are_found_without_the_blank_ones(tokenizer):
    lines = TextIndex(tokenizer, [("shape.py", TEXT), ("empty.py", "\n \n")]).lines
    said = [lines.content(i).decode() for i in range(len(lines))]
    assert [line for line in said if line] == [
        line.strip() for line in TEXT.split("\n") if line.strip()
    ]
    assert lines.indent[:4].tolist() == [0, 4, 8, 8]
    assert lines.step[1:5].tolist() == [1, 1, 0, -1]


def test_a_line_between_the_same_neighbours_fits_best(tokenizer):
    index = TextIndex(tokenizer, [("shape.py", TEXT)])
    ids = {
        i: tokenizer.encode_part(line)
        for i, line in {-1: "width = self.width", 1: "def name(self):"}.items()
    }
    fit = index.lines.fit(Neighbours(ids, 0))
    best = int(fit.argmax())
    assert index.lines.content(best) == b"return width * self.height"
    assert fit[best] == pytest.approx(NEIGHBOURS[-1] + NEIGHBOURS[1] + SAME_STEP)


def test_likeness_is_the_cosine_of_weighted_tokens(tokenizer):
    lines = TextIndex(tokenizer, [("shape.py", TEXT)]).lines
    wanted = tokenizer.encode_part("return self.title")
    alike = lines.likeness(wanted)
    bags = [set(tokenizer.encode_part(lines.content(i).decode())) for i in range(len(lines))]
    count = len(lines)
    rarity = {
        token: np.log1p(count / max(1, sum(token in bag for bag in bags))) ** 2
        for token in set().union(*bags)
    }
    for value, bag in zip(alike, bags, strict=True):
        shared = sum(rarity[token] for token in bag & set(wanted))
        norm = (sum(map(rarity.get, bag)) * sum(rarity[token] for token in set(wanted))) ** 0.5
        assert value == pytest.approx(shared / norm if norm else 0.0, abs=1e-6)


def test_what_is_typed_decides_which_lines_are_found(tokenizer):
    above = "    def name(self):\n        width = self.width\n        "
    assert len(found(tokenizer, above)) > 1
    assert found(tokenizer, above + "ret") == ["urn width * self.height\n"]
    assert found(tokenizer, above + "[") == []


def test_a_word_half_typed_may_stand_for_another(tokenizer):
    assert found(tokenizer, "def area(self):\n        ret") == [
        "urn self.title\n",
        " = self.ret\n",  # where width stands there
    ]


def test_lines_are_rewritten_by_what_differs_around_them(tokenizer):
    texts = found(tokenizer, "    def volume(self):\n        depth = self.depth\n        ")
    assert texts[0] == "return depth * self.height\n"


def test_at_a_line_start_the_indentation_moves_as_it_does_there(tokenizer):
    texts = found(tokenizer, "  class A:\n      def area(self):\n")
    assert texts[0] == " " * 10 + "width = self.width\n"


def test_several_lines_come_with_their_indentation_moved(tokenizer):
    texts = found(tokenizer, "def area(self):\n    ", one_line=False)
    assert texts[0] == "width = self.width\n\n    return width * self.height\n"


@pytest.mark.parametrize(
    ("there", "here"), [("\t", "\t"), ("    ", "\t"), ("\t", "    "), ("    ", "    ")]
)
def test_lines_are_indented_as_the_lines_around_the_cursor_are(tokenizer, there, here):
    index = TextIndex(tokenizer, [("shape.py", TEXT.replace("    ", there))])

    def best(prefix, *, one_line):
        cursor = CursorLines.of(prefix.replace("    ", here), "", b"", one_line=one_line)
        line = find_lines([IndexView(index)], tokenizer, cursor)[0]
        return (line.text + line.ending(cursor)).decode().replace(here, "    ")

    assert best("class A:\n    def area(self):\n", one_line=True) == "        width = self.width\n"
    assert best("class A:\n    def area(self):\n        width = self.width\n", one_line=True) == (
        "        return width * self.height\n"
    )
    assert best("class A:\n", one_line=False).startswith(
        "    def area(self):\n        width = self.width\n\n        return"
    )
    # Back by a step.
    whole = "class A:\n    def area(self):\n        width = self.width\n        return width\n"
    assert best(whole, one_line=True) == "    def name(self):\n"


def test_several_lines_are_rewritten_together(tokenizer):
    texts = found(tokenizer, "def area(self):\n    depth = ", one_line=False)
    assert texts[0] == "self.depth\n\n    return depth * self.height\n"


def test_a_hidden_text_offers_nothing(tokenizer):
    index = TextIndex(tokenizer, [("shape.py", TEXT)])
    cursor = CursorLines.of("def area(self):\n    ", "", b"", one_line=True)
    assert find_lines([IndexView(index, hidden=frozenset({"shape.py"}))], tokenizer, cursor) == []
