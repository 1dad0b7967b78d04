"""Finding and replacing in one text, against Python's own expressions where they mean the same."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tui.search.in_text import SearchedText, find_in_text
from tui.search.query import Pattern, Query, QueryError, compiled
from tui.search.replacement import Replacement

TEXT = ["def größe(x):", "    return Größe + grösse", "", "größe größer"]


def places(lines: list[str], text: str, **options: bool) -> list[tuple[tuple[int, int], ...]]:
    found = find_in_text(lines, Pattern(Query(text, **options))).found
    return [(match.start, match.end) for match in found]


def test_case_and_whole_words_count_when_asked_for() -> None:
    every = [((0, 4), (0, 9)), ((1, 11), (1, 16)), ((3, 0), (3, 5)), ((3, 6), (3, 11))]
    assert places(TEXT, "größe") == every
    assert places(TEXT, "größe", match_case=True) == [every[0], *every[2:]]
    assert places(TEXT, "größe", whole_word=True) == every[:3]
    assert places(TEXT, "öße", whole_word=True) == []


def test_a_text_is_no_expression_unless_asked_for() -> None:
    lines = ["a.b", "axb"]
    assert places(lines, "a.b") == [((0, 0), (0, 3))]
    assert len(places(lines, "a.b", regex=True)) == 2


def test_an_expression_stays_in_its_line_unless_it_names_a_newline() -> None:
    lines = ["ab  ", "  cd"]
    assert places(lines, r"\s+", regex=True) == [((0, 2), (0, 4)), ((1, 0), (1, 2))]
    assert places(lines, r"\s*\n\s*", regex=True) == [((0, 2), (1, 2))]
    assert places(lines, "^", regex=True) == [((0, 0), (0, 0)), ((1, 0), (1, 0))]
    assert places(lines, "$", regex=True) == [((0, 4), (0, 4)), ((1, 4), (1, 4))]


def test_empty_matches_stand_between_characters() -> None:
    assert places(["é"], "x*", regex=True) == [((0, 0), (0, 0)), ((0, 1), (0, 1))]


@pytest.mark.parametrize("expression", ["(", "[a", r"(a)\1", "(?=x)", "x{5000}"])
def test_a_wrong_expression_is_refused_in_one_line(expression: str) -> None:
    with pytest.raises(QueryError, match=r"^no regular expression: [^\n]+$") as refused:
        Pattern(Query(expression, regex=True))
    assert "(?m" not in str(refused.value)


def test_a_query_that_is_too_long_is_refused() -> None:
    with pytest.raises(QueryError, match="at most 2,000"):
        compiled(Query("x" * 2_001))


@pytest.mark.parametrize("expression", [r"\C", r"a\\\C", r"(\C)\C", "\ud800"])
def test_no_query_finds_parts_of_characters(expression: str) -> None:
    with pytest.raises(QueryError, match=r"characters|surrogate"):
        Pattern(Query(expression, regex=True))


def test_a_query_that_is_no_expression_may_have_any_sign_of_one() -> None:
    assert places([r"a\C"], r"\C") == [((0, 1), (0, 3))]
    assert places([r"a\C"], r"\\C", regex=True) == [((0, 1), (0, 3))]
    with pytest.raises(QueryError, match="surrogate"):
        Pattern(Query("\ud800"))


def test_an_expression_that_backtracking_would_never_finish() -> None:
    assert places(["a" * 5_000 + "!"], "(a+)+$", regex=True) == []


def test_a_search_ends_at_its_limits() -> None:
    text = SearchedText(["aaaa"] * 10)
    pattern = Pattern(Query("a"))
    most = text.matches(pattern, limit=7)
    assert (len(most.found), most.whole) == (7, False)
    assert not text.matches(pattern, seconds=-1.0).whole
    assert text.matches(pattern).whole


def test_the_next_and_the_one_before_go_round() -> None:
    matches = find_in_text(["xx", "x"], Pattern(Query("x")))
    numbers = [matches.at_or_after(place) for place in ((0, 0), (0, 1), (0, 2), (1, 1))]
    assert numbers == [0, 1, 2, 0]
    assert [matches.before(place) for place in ((0, 0), (0, 1), (1, 0))] == [2, 0, 1]


LETTERS = st.text("abé𝄞_ \t", max_size=12)


@given(st.lists(LETTERS, min_size=1, max_size=6), st.text("abé𝄞_", min_size=1, max_size=3))
def test_places_are_those_of_the_text(lines: list[str], wanted: str) -> None:
    found = [
        ((row, match.start()), (row, match.end()))
        for row, line in enumerate(lines)
        for match in re.finditer(re.escape(wanted), line)
    ]
    assert places(lines, wanted, match_case=True) == found


def replaced(lines: list[str], text: str, template: str, **options: bool) -> str:
    pattern = Pattern(Query(text, **options))
    searched = SearchedText(lines)
    found = searched.matches(pattern).found
    whole = "\n".join(lines).encode()
    if not found:
        return whole.decode()
    end = found[-1].first_byte + len(text.encode()) if not options.get("regex") else len(whole)
    new = searched.replaced(found, Replacement(template, pattern))
    return whole[: found[0].first_byte].decode() + new + whole[end:].decode()


@given(st.lists(LETTERS, min_size=1, max_size=6), st.text("abé", min_size=1, max_size=2), LETTERS)
def test_replacing_all_is_what_a_string_does(lines: list[str], old: str, new: str) -> None:
    whole = "\n".join(lines)
    assert replaced(lines, old, new, match_case=True) == whole.replace(old, new)


def test_groups_stand_in_a_replacement() -> None:
    assert replaced(["ab12 cd3"], r"([a-z]+)(?P<n>\d+)", "${n}$1[$0]", regex=True) == (
        "12ab[ab12] 3cd[cd3]"
    )
    assert replaced(["a b"], "(a)|b", "<$1>", regex=True) == "<a> <>"
    assert replaced(["a"], "a", r"$$\n\t\\", regex=True) == "$\n\t\\"
    assert replaced(["a"], "a", r"$1\n") == r"$1\n"


def test_a_group_that_is_not_there_is_refused() -> None:
    for template in ("$2", "${name}"):
        with pytest.raises(QueryError, match="there is no group"):
            Replacement(template, Pattern(Query("(a)", regex=True)))
