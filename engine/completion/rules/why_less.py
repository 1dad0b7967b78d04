"""Says in a few words why a completion is less than what the model wrote.  Decides nothing.

`engine.completion.rules.trim` and `engine.completion.code.syntax` decide; this asks them once
more, in turn.
"""

from engine.completion.code.syntax import Syntax
from engine.completion.rules.stop import StopRules
from engine.completion.rules.trim import FINAL, SETTLED, first_line, trim, without_extra_indent

__all__ = ["SAID", "why_less"]

SAID: dict[str, str] = {
    "first_line_before_text": "code follows on this line",
    "printable": "signs that nobody can see",
    "where_indented_lines_stand": "nothing is open that it could stand in",
    "within_block": "the block ends there",
    "before_double_blank": "a new subject begins there",
    "before_repeated_lines": "it repeats a line of its own",
    "before_repeated_block": "it repeats lines of its own",
    "before_repeated_pattern": "it goes in circles",
    "before_lines_below": "it repeats the lines below",
    "before_suffix": "it repeats the rest of the line",
    "before_own_closer": "the bracket is closed already",
    "before_made_up_data": "made-up data in a table",
    "before_dead_code": "it would never run",
    "before_remark": "a comment that nobody began",
    "before_fence": "talk, not code",
    "at_most_max_lines": "more lines than one reads",
    "without_rest_of_line": "it repeats the rest of the line",
    "without_lines_below": "it repeats the lines below",
    "without_line_above": "it repeats the line above",
    "without_blank_end": "only white space",
}
"""What each rule of `engine.completion.rules.trim` finds, in words that follow “held back:”."""

_UNREADABLE = "Python could not read it here"


def why_less(written: str, text: str, rules: StopRules, syntax: Syntax | None) -> str:
    """Return why ``written`` became ``text``; empty where it is all there.

    Args:
        written: What the model wrote.
        text: What is left of it.
        rules: Of the cursor.
        syntax: Judges Python there; None in other languages.
    """
    trimmed = trim(written, rules.around, multi_line=not rules.one_line)
    if syntax is not None and trimmed.startswith(text) and trimmed[len(text) :].strip():
        flaws = sorted(syntax.flaws(trimmed), key=lambda flaw: (flaw.doubtful, flaw.at))
        return flaws[0].what if flaws else _UNREADABLE
    return _first_cut(written, rules)


def _first_cut(written: str, rules: StopRules) -> str:
    """Return what the first rule finds that cuts more than white space; "" if none does."""
    kept = without_extra_indent(written, rules.around)
    if rules.one_line:
        kept = first_line(kept, rules.around)
    for rule in (*SETTLED, *FINAL):
        before, kept = kept, rule(kept, rules.around)
        if before[len(kept) :].strip():
            return SAID[rule.__name__]
    return ""
