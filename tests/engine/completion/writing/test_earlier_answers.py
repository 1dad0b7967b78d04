"""Earlier answers at a cursor: their rest, or what they say where the person parted from them."""

from engine.completion.writing.earlier_answers import KEPT, TEXTS, EarlierAnswers, EarlierText

ABOVE = "def area(self):\n    "


def known(*answers, path="a.py"):
    earlier = EarlierAnswers()
    for prefix, text in answers:
        earlier.add(path, prefix, text)
    return earlier


def test_an_answer_goes_on_where_it_was_typed_so_far_and_where_some_was_removed():
    earlier = known((ABOVE + "ret", "urn self.width\n    # done"))
    for typed, rest in [
        ("ret", "urn self.width\n    # done"),
        ("return se", "lf.width\n    # done"),
        ("return self.width\n    ", "# done"),
        ("re", "turn self.width\n    # done"),  # a letter less than before
    ]:
        assert earlier.at("a.py", ABOVE + typed) == [EarlierText(rest, goes_on=True)]
    assert earlier.at("a.py", ABOVE + "return self.width\n    # done") == []


def test_where_a_key_went_another_way_the_rest_of_the_line_may_come_back():
    earlier = known((ABOVE, "return max(a, b)\n    # done"))
    assert earlier.at("a.py", ABOVE + "return s") == [EarlierText("max(a, b)", goes_on=False)]


def test_answers_elsewhere_say_nothing():
    earlier = known((ABOVE, "return 1\n"))
    assert earlier.at("b.py", ABOVE) == []
    assert earlier.at("a.py", ABOVE + "x = 1\n    ") == []
    assert earlier.at("a.py", "import os\n" * 9) == []


def test_the_latest_answers_are_kept_those_that_go_on_come_first_and_none_comes_twice():
    texts = [(ABOVE, f"return {number}") for number in range(KEPT)]
    earlier = known((ABOVE, "first"), *texts, (ABOVE, "return 1"))
    found = [each.text for each in earlier.at("a.py", ABOVE)]
    assert found == ["return 1", *(f"return {KEPT - 1 - n}" for n in range(TEXTS - 1))]
    goes_on = known((ABOVE, "return a"), (ABOVE, "x"), (ABOVE, "")).at("a.py", ABOVE + "ret")
    assert goes_on == [EarlierText("urn a", goes_on=True), EarlierText("x", goes_on=False)]
