"""`scripts/policy_table.py`: its variants, its choice, and answers that are kept."""

from pathlib import Path

from engine.completion.writing.sure_text import TextSoFar
from engine.quality.written_answers import WrittenAnswer
from scripts.policy_table import MOST_WRONG, Answers, Variant, best_of, table, variants
from tui.assist.acceptance import Acceptance, least_logprob
from tui.settings import SuggestionSettings


def row(name: str, saved: float, wrong: float) -> dict:
    return {
        "name": name,
        "keystrokes_saved": saved,
        "keystrokes_saved_ci": [saved - 0.05, saved + 0.05],
        "wrong_shown_per_100_keys": wrong,
        "shown": 10,
        "accepted": 5,
    }


def test_variants_differ_from_the_default_in_one_thing():
    first, *others = variants(-0.27)
    asked = SuggestionSettings()
    least = least_logprob(Acceptance(), asked.threshold / 100, -0.27)
    assert first == Variant("the default", least, True, asked.delay_ms)
    for each in others:
        differing = [
            name
            for name in ("threshold", "multi_line", "delay_ms")
            if getattr(each, name) != getattr(first, name)
        ]
        assert len(differing) <= 1
    assert len({each.name for each in variants(-0.27)}) == len(variants(-0.27))
    assert any(each.threshold is None for each in others)


def test_a_model_without_a_threshold_is_tried_with_some():
    found = [each.threshold for each in variants(None) if each.name.startswith("from")]
    assert sorted(found) == found
    assert len(set(found)) == len(found) > 4


def test_the_best_saves_most_of_those_that_are_seldom_wrong():
    rows = [row("wild", 0.5, MOST_WRONG + 0.1), row("good", 0.4, MOST_WRONG), row("shy", 0.1, 0)]
    assert best_of(rows)["name"] == "good"
    assert best_of(rows[:1]) is None
    assert "› good " in table(rows, "good")


def test_answers_come_back_also_after_a_kill(tmp_path: Path):
    path = tmp_path / "model.jsonl"
    begun = TextSoFar("return", "return", None, 0, 1)
    answer = WrittenAnswer(TextSoFar("return x\n", "return x", -0.25, 3, 4), (begun,))
    Answers(path, "stamp").keep("key", answer)
    with path.open("a") as file:
        file.write('{"key": "cut sho')
    assert Answers(path, "stamp").known == {"key": answer}
