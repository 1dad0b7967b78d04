import numpy as np
import pytest

from engine.knowledge import line_index
from engine.knowledge.line_index import NEIGHBOURS, SAME_STEP, UNKNOWN_STEP, LineIndex, Neighbours
from engine.knowledge.text_index import TextIndex
from tests.engine_tokenizers import byte_tokenizer

TEXT = """\
class Shape:
    def area(self):
        width = self.width

        return width * self.height

    def name(self):
        return self.title
"""


def lines_of(*texts: str, tokenizer=None) -> LineIndex:
    named = [(str(i), text) for i, text in enumerate(texts)]
    return TextIndex(tokenizer or byte_tokenizer(), named).lines


def number(lines: LineIndex, content: str) -> int:
    """The number of the only line with this content."""
    (found,) = [i for i in range(len(lines)) if lines.content(i) == content.encode()]
    return found


def near(step: int = UNKNOWN_STEP, **lines: str) -> Neighbours:
    """Neighbours by distance: ``a1`` is the line above, ``b1`` the line below."""
    distances = {(-1 if name[0] == "a" else 1) * int(name[1:]): name for name in lines}
    tokens = {d: byte_tokenizer().encode_part(lines[name]) for d, name in distances.items()}
    return Neighbours.of(tokens, step)


# ── what is a line ──────────────────────────────────────────────────────────────────────────


def test_lines_are_found_without_the_blank_ones(tokenizer):
    lines = lines_of(TEXT, "\n \n", tokenizer=tokenizer)
    said = [lines.content(i).decode() for i in range(len(lines))]
    assert [line for line in said if line] == [
        line.strip() for line in TEXT.split("\n") if line.strip()
    ]
    assert lines.indent[:4].tolist() == [0, 4, 8, 8]
    assert lines.step[1:5].tolist() == [1, 1, 0, -1]


def test_a_line_ends_before_its_trailing_white_space():
    lines = lines_of("a \t\r\n  b\r\n")
    assert lines.contents(np.array([0, 1])) == [b"a", b"b"]


def test_every_kind_of_white_space_may_surround_a_line():
    lines = lines_of("\t\v\f\r a b \r\f\v\t\n\v\n\f\n")
    assert [content for content in map(lines.content, range(len(lines))) if content] == [b"a b"]
    assert lines.indent[0] == 5


def test_the_first_line_of_another_text_has_no_step():
    lines = lines_of("a\n  b\n", "  c\nd", "\n    e")
    steps = {content: int(lines.step[number(lines, content)]) for content in "bcde"}
    assert steps == {"b": 1, "c": UNKNOWN_STEP, "d": -1, "e": UNKNOWN_STEP}


def test_a_line_knows_whether_a_tab_stands_before_it():
    lines = lines_of("\ta\n    b\n \tc\nd")
    assert [lines.indented_with_tab(i) for i in range(4)] == [True, False, True, False]


def test_only_lines_of_one_text_are_of_the_same_text():
    lines = lines_of("a\nb", "c")
    a, b, c = (number(lines, content) for content in "abc")
    assert lines.same_text(a, b)
    assert not lines.same_text(a, c)
    assert not lines.same_text(b, b + 1)  # padding
    assert lines.same_text(b, a)
    assert not lines.same_text(a, a - 1)
    assert not lines.same_text(c, len(lines))


def test_an_index_may_be_empty():
    for lines in (lines_of(), lines_of(""), lines_of("\n  \n")):
        assert not any(map(lines.content, range(len(lines))))
        assert (lines.fit(near(a1="a", b3="b", a4="c")) <= 0).all()


def test_a_token_in_the_indentation_belongs_to_no_line():
    # Tokens: "a", the line break, two spaces as one, "b".
    ids, starts = np.array([1, 2, 3, 4], np.int32), np.array([0, 1, 2, 4])
    lines = LineIndex([b"a\n  b"], [(ids, starts)])
    assert [np.flatnonzero(lines.likeness([token])).tolist() for token in ids] == [[0], [], [], [1]]


# ── likeness ────────────────────────────────────────────────────────────────────────────────


def test_likeness_is_the_cosine_of_weighted_tokens(tokenizer):
    lines = lines_of(TEXT, tokenizer=tokenizer)
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


def test_a_repeated_token_counts_once():
    lines = lines_of("ab\ncd\n")
    ids = byte_tokenizer().encode_part("ab")
    assert lines.likeness(ids * 3).tolist() == lines.likeness(ids).tolist()


@pytest.mark.parametrize("unknown", ["z", "\x00", "ÿ"])
def test_a_token_that_no_line_holds_makes_the_lines_less_alike(unknown: str):
    lines = lines_of("ab\ncd\n")
    known = byte_tokenizer().encode_part("ab")
    more = known + byte_tokenizer().encode_part(unknown)
    assert lines.likeness(known)[0] == pytest.approx(1.0)
    weights = 2 * np.log1p(len(lines)) ** 2, np.log1p(len(lines)) ** 2
    missing = (len(more) - 2) * weights[1]
    expected = (weights[0] / (weights[0] + missing)) ** 0.5
    assert lines.likeness(more)[0] == pytest.approx(expected)


def test_a_token_on_too_many_lines_adds_no_likeness(monkeypatch: pytest.MonkeyPatch):
    lines = lines_of("ax\nay\naz\n")
    token = byte_tokenizer().encode_part("a")
    monkeypatch.setattr(line_index, "MAX_POSTINGS", 3)
    assert (lines.likeness(token)[:3] > 0).all()
    monkeypatch.setattr(line_index, "MAX_POSTINGS", 2)
    assert (lines.likeness(token) == 0).all()


# ── fit ─────────────────────────────────────────────────────────────────────────────────────


def test_a_line_between_the_same_neighbours_fits_best(tokenizer):
    lines = lines_of(TEXT, tokenizer=tokenizer)
    ids = {
        i: tokenizer.encode_part(line)
        for i, line in {-1: "width = self.width", 1: "def name(self):"}.items()
    }
    fit = lines.fit(Neighbours.of(ids, 0))
    best = int(fit.argmax())
    assert lines.content(best) == b"return width * self.height"
    assert fit[best] == pytest.approx(NEIGHBOURS[-1] + NEIGHBOURS[1] + SAME_STEP)


@pytest.mark.parametrize("distance", NEIGHBOURS)
def test_a_neighbour_counts_by_its_distance(distance: int):
    lines = lines_of("\n".join("abcdefghi"))
    fit = lines.fit(Neighbours.of({distance: byte_tokenizer().encode_part("e")}, UNKNOWN_STEP))
    assert lines.content(int(fit.argmax())) == b"abcdefghi"[4 - distance :][:1]
    assert fit.max() == pytest.approx(NEIGHBOURS[distance])
    assert (fit > 0).sum() == 1


def test_a_neighbour_at_an_unknown_distance_counts_nothing():
    assert (lines_of("a\nb\nc").fit(near(a5="a", b4="c")) <= 0).all()


def test_the_lines_of_another_text_are_no_neighbours():
    lines = lines_of("x", "a\nb\nc\nd\ne", "x")
    for distance in NEIGHBOURS:
        name = f"{'a' if distance < 0 else 'b'}{abs(distance)}"
        assert (lines.fit(near(**{name: "x"})) <= 0).all()


@pytest.mark.parametrize("step", [-1, 0, 1])
def test_the_same_change_of_indentation_counts(step: int):
    lines = lines_of("", "a\n  b\n  c\nd\n")
    fit = lines.fit(near(step))
    assert [lines.content(i) for i in np.flatnonzero(fit > 0)] == [b"dcb"[step + 1 :][:1]]
    assert fit.max() == pytest.approx(SAME_STEP)


def test_where_no_change_of_indentation_is_known_none_counts():
    assert (lines_of("a\n  b\n").fit(near(UNKNOWN_STEP)) <= 0).all()


def test_padding_never_fits():
    lines = lines_of("a\nb")
    padding = lines.start == lines.end
    assert padding.sum() == len(lines) - 2
    assert (lines.fit(near(0, a1="b"))[padding] == -1.0).all()
