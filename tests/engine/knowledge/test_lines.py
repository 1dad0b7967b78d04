import numpy as np
import pytest

from engine.knowledge.lines import NEIGHBOURS, SAME_STEP, Neighbours
from engine.knowledge.proposals import Proposals, find_proposals
from engine.knowledge.shelf import Shelf, Source
from engine.knowledge.site import Site

TEXT = """\
class Shape:
    def area(self):
        width = self.width

        return width * self.height

    def name(self):
        return self.title
"""


def proposals(tokenizer, prefix, suffix="", healing=b"", *, one_line=True, texts=None):
    shelf = Shelf(tokenizer, texts or [("shape.py", TEXT)])
    site = Site.of(prefix, suffix, healing, one_line=one_line)
    return find_proposals([Source(shelf)], tokenizer, site)


def test_lines_are_found_without_the_blank_ones(tokenizer):
    lines = Shelf(tokenizer, [("shape.py", TEXT), ("empty.py", "\n \n")]).lines
    said = [lines.content(i).decode() for i in range(len(lines))]
    assert [line for line in said if line] == [
        line.strip() for line in TEXT.split("\n") if line.strip()
    ]
    assert lines.indent[:4].tolist() == [0, 4, 8, 8]
    assert lines.step[1:5].tolist() == [1, 1, 0, -1]


def test_a_line_between_the_same_neighbours_has_the_highest_score(tokenizer):
    shelf = Shelf(tokenizer, [("shape.py", TEXT)])
    ids = {
        i: tokenizer.encode_part(line)
        for i, line in {-1: "width = self.width", 1: "def name(self):"}.items()
    }
    score = shelf.lines.score(Neighbours(ids, 0))
    best = int(score.argmax())
    assert shelf.lines.content(best) == b"return width * self.height"
    assert score[best] == pytest.approx(NEIGHBOURS[-1] + NEIGHBOURS[1] + SAME_STEP)


def test_likeness_is_the_cosine_of_weighted_tokens(tokenizer):
    lines = Shelf(tokenizer, [("shape.py", TEXT)]).lines
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


def test_what_is_typed_decides_which_lines_are_proposed(tokenizer):
    above = "    def name(self):\n        width = self.width\n        "
    assert len(proposals(tokenizer, above)) > 1
    assert [each.stream for each in proposals(tokenizer, above + "ret")] == [
        b"urn width * self.height\n"
    ]
    assert proposals(tokenizer, above + "xyz") == []


def test_healed_bytes_are_said_again(tokenizer):
    found = proposals(tokenizer, "def area(self):\n        ret", healing=b"ret")
    assert all(proposal.stream.startswith(b"return ") for proposal in found)


def test_at_a_line_start_the_indentation_moves_as_it_does_there(tokenizer):
    found = proposals(tokenizer, "  class A:\n      def area(self):\n", healing=b"\n")
    assert found[0].stream == b"\n" + b" " * 10 + b"width = self.width\n"


def test_several_lines_come_with_their_indentation_moved(tokenizer):
    found = proposals(tokenizer, "def area(self):\n    ", one_line=False)
    assert found[0].stream == b"width = self.width\n\n    return width * self.height\n"


def test_a_hidden_text_proposes_nothing(tokenizer):
    shelf = Shelf(tokenizer, [("shape.py", TEXT)])
    site = Site.of("def area(self):\n    ", "", b"", one_line=True)
    assert find_proposals([Source(shelf, hidden=frozenset({"shape.py"}))], tokenizer, site) == []


def test_proposals_vote_and_drop_out(tokenizer):
    found = proposals(tokenizer, "def area(self):\n        ")
    votes = Proposals(tokenizer, found, 0)
    first = votes.forecast(b"", 0)
    assert first.votes.shares.sum() == pytest.approx(1.0)
    after = votes.forecast(b"return ", 2)
    assert after.left < first.left
    assert votes.forecast(b"nobody says this", 3) is None
