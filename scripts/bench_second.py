"""What a second, small model's text saves the large one: passes and host time for a line.

At random places of the files typed by `bench_typing`, the large model completes the line as it is
asked alone, and as it is asked when it hears what the small one said there; the prompt is in its
cache both times, and the two take turns in being first.  The texts must be equal.  Prints a table,
then one JSON object as the last line.  A benchmark, not a test.
"""

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from statistics import median

from msgspec.structs import replace

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from engine.protocol.completion import Completion, CompletionRequest  # noqa: E402
from engine.session import Session  # noqa: E402

TEXTS = ROOT / "tests" / "data" / "typing"
BEFORE, AFTER = 1_500, 500
"""Characters around a place."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line, written alone and with the small model's text."""

    tokens: int
    passes_alone: int
    passes_with: int
    ms_alone: float
    ms_with: float
    small_ms: float
    same: bool
    """Whether the small model said the same."""


def places(rng: Random, folder: Path) -> CompletionRequest:
    """Return a request for the rest of a line that has begun, at a random place."""
    files = sorted(folder.glob("*.py"))
    while True:
        text = rng.choice(files).read_text(encoding="utf-8")
        at = rng.randrange(len(text))
        before = text[max(0, at - BEFORE) : at]
        if before.rpartition("\n")[2].strip():
            after = text[at : at + AFTER]
            return CompletionRequest("typed.py", before, after, max_tokens=32, multi_line=False)


def timed(session: Session, request: CompletionRequest) -> tuple[Completion, float]:
    """Complete; return the answer and the milliseconds it took."""
    began = time.perf_counter()
    answer = session.complete(request)
    return answer, (time.perf_counter() - began) * 1e3


def passes(answer: Completion) -> int:
    """Return how many passes chose the tokens of an answer."""
    return answer.completion_tokens - answer.host.accepted_tokens


def measured(small: Session, large: Session, request: CompletionRequest, turn: int) -> Line:
    """Measure one place."""
    said, small_ms = timed(small, request)
    large.complete(request)  # reads the prompt
    asks = [request, replace(request, expected=said.text)]
    answers = [timed(large, asks[number]) for number in (turn % 2, 1 - turn % 2)]
    (alone, ms_alone), (told, ms_with) = answers if turn % 2 == 0 else answers[::-1]
    if alone.text != told.text:
        raise AssertionError(f"the texts differ: {alone.text!r}, {told.text!r}")
    same = bool(alone.text.strip()) and said.text.strip() == alone.text.strip()
    tokens = alone.completion_tokens
    return Line(tokens, passes(alone), passes(told), ms_alone, ms_with, small_ms, same)


def main(arguments: list[str] | None = None) -> None:
    """Measure, print the table and the JSON object."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True, help="name or file of the large model")
    parser.add_argument("--second", default="spark-nano", help="name or file of the small one")
    parser.add_argument("--lines", type=int, default=60)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--texts", type=Path, default=TEXTS)
    parser.add_argument("--seed", type=int, default=7)
    call = parser.parse_args(arguments)
    small = Session.open(call.second, "wse3", threads=call.threads)
    large = Session.open(call.model, "wse3", threads=call.threads)
    rng = Random(call.seed)
    requests = [places(rng, call.texts) for _ in range(call.lines)]
    lines = [measured(small, large, each, turn) for turn, each in enumerate(requests)]
    alone, told = sum(x.passes_alone for x in lines), sum(x.passes_with for x in lines)
    summary = {
        "lines": len(lines),
        "tokens": sum(each.tokens for each in lines),
        "passes_alone": alone,
        "passes_with": told,
        "passes_ratio": round(told / alone, 3),
        "median_ms_alone": round(median(each.ms_alone for each in lines), 1),
        "median_ms_with": round(median(each.ms_with for each in lines), 1),
        "ms_ratio": round(sum(x.ms_with for x in lines) / sum(x.ms_alone for x in lines), 3),
        "small_median_ms": round(median(each.small_ms for each in lines), 1),
        "same": sum(each.same for each in lines),
    }
    print("\n".join(f"{name:<20}{value:>10}" for name, value in summary.items()))
    print(json.dumps(summary | {"each": [asdict(line) for line in lines]}))


if __name__ == "__main__":
    main()
