"""Names and words of questions."""

import pytest

from engine.asking.question_words import QuestionWords


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("What does `begin` do?", ("begin",)),
        ("What does KeptPrompts.begin() do?", ("begin",)),
        ("Why is _rank sorted, and read_text() not?", ("_rank", "read_text")),
        ("Is JSON read by ModelLoader?", ("ModelLoader",)),
        ("How does Python sort? I don't know.", ()),
        ("", ()),
    ],
)
def test_names_are_told_from_words(question: str, names: tuple[str, ...]) -> None:
    assert QuestionWords.of(question).names == names


def test_words_are_parts_of_names_and_what_is_rare_in_questions() -> None:
    found = QuestionWords.of("Where are secret files refused by KeptPrompts.read_rows?")
    assert found.words == ("secret", "refused", "kept", "prompt", "read", "row")
    assert found.plain == ("secret", "refused")


def test_a_word_of_questions_is_kept_where_it_is_a_name() -> None:
    assert QuestionWords.of("explain `show`").names == ("show",)
    assert QuestionWords.of("show me how").words == ()
