"""Types held-out code by variants of the policy: which saves most keys and is seldom wrong?

    .venv/bin/python scripts/policy_table.py --fetch --model spark-nano [--latency FILE]
        [--lines 150] [--records DIR]

The packages are the six that training never sees, the seed is that of the card.  Variants differ in
the chance of being taken from which a text is shown unasked, in whether several lines are asked
for, and in the rest before asking.  What a model writes depends on none of these, so each
question is asked once, by whichever variant comes to it first, and every variant sees of the answer
what its threshold lets through.  Answers are kept in ``--records`` as they come, with a stamp of
the code and the numbers they came from; the same command goes on where it was stopped, and then
costs no time of a model.  A table, then one JSON object as the last line.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from engine.quality.bench import QualityBench
from engine.quality.typing_replay import Stretch, draw_stretches, summary
from engine.quality.written_answers import WrittenAnswer, WrittenAnswers
from engine.session import Session
from scripts.compare_knowledge import PACKAGES, keep_only, records, stamp_of
from scripts.wheels import package_folders
from tui.assist.acceptance import Acceptance, least_logprob
from tui.assist.latency import ASSUMED, Latency, read_latency
from tui.assist.typist import type_stretch, unasked_threshold
from tui.settings import SuggestionSettings

ROOT = Path(__file__).resolve().parent.parent
HELD_OUT = PACKAGES[:5]
"""Never trained on; asyncio, from the running Python, is the sixth."""
SEED = 0
MOST_WRONG = 1.5
"""Wrong suggestions for 100 keys that a default may show."""
CHANCES = (10, 25, 33, 40, 45, 50, 55, 60, 65)
"""Per cent, as `suggestions.threshold` has them."""
DELAYS_MS = (0, 50, 150)


@dataclass(frozen=True)
class Variant:
    """One policy."""

    name: str
    threshold: float | None
    multi_line: bool = True
    delay_ms: int = SuggestionSettings().delay_ms


def variants(own: float | None) -> list[Variant]:
    """Return the policies that are compared: from which chance on, then the rest at the default.

    As the app has them before it has learnt anything of the person.
    """

    def least(chance: int) -> float:
        return least_logprob(Acceptance(), chance / 100, own)

    default = unasked_threshold(own, SuggestionSettings())
    return [
        Variant("the default", default),
        *([] if own is None else [Variant("no threshold", None)]),
        *(Variant(f"from {chance} %", least(chance)) for chance in CHANCES),
        Variant("one line", default, multi_line=False),
        *(Variant(f"rest {delay} ms", default, delay_ms=delay) for delay in DELAYS_MS),
    ]


class Answers:
    """What is kept of a model's answers, in a file that grows.

    Args:
        path: JSON lines.
        stamp: Of the code and the numbers that the answers come from.
    """

    def __init__(self, path: Path, stamp: str) -> None:
        self._path = path
        self._stamp = stamp
        self.known = {
            each["key"]: msgspec.convert(each["answer"], WrittenAnswer) for each in records(path)
        }

    def keep(self, key: str, answer: WrittenAnswer) -> None:
        """Write one down."""
        record = {"key": key, "stamp": self._stamp, "answer": msgspec.to_builtins(answer)}
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(record) + "\n")


def main() -> None:
    """Type, report."""
    options = _options()
    options.records.mkdir(parents=True, exist_ok=True)
    data = package_folders(options.work, HELD_OUT, fetch=options.fetch, library=["asyncio"])
    latency = ASSUMED if options.latency is None else read_latency(options.latency)
    session = Session.open(options.model, threads=options.threads)
    try:
        report = measured(session, data, options, latency)
    finally:
        session.close()
    print(table(report["variants"], report["best"]))
    print(json.dumps(report))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--lines", type=int, default=150, help="to type, in whole stretches")
    parser.add_argument("--latency", type=Path, help="as scripts/bench_typing.py measured it")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--fetch", action="store_true", help="download the packages with pip")
    parser.add_argument("--renew", action="store_true", help="drop answers of other code")
    parser.add_argument("--work", type=Path, default=ROOT / ".train" / "policy")
    parser.add_argument("--records", type=Path, default=ROOT / ".train" / "policy")
    return parser.parse_args()


def measured(
    session: Session, data: Path, options: argparse.Namespace, latency: Latency
) -> dict[str, Any]:
    """Return the figures of every variant, and the best of those that may be the default."""
    path = options.records / f"{session.model.name}.jsonl"
    stamp = stamp_of(session)
    keep_only(path, stamp, renew=options.renew)
    kept = Answers(path, stamp)
    stretches = draw_stretches(QualityBench(data, SEED).corpus, options.lines, SEED)
    model = WrittenAnswers(session, kept.known, kept.keep)
    rows = [_row(each, stretches, model, session, latency) for each in variants(session.threshold)]
    best = best_of(rows)
    return {
        "model": session.model.name,
        "threshold": session.threshold,
        "stamp": stamp,
        "packages": [*HELD_OUT, "asyncio"],
        "seed": SEED,
        "latency": latency.described(),
        "most_wrong_per_100_keys": MOST_WRONG,
        "best": None if best is None else best["name"],
        "variants": rows,
    }


def _row(
    variant: Variant,
    stretches: Sequence[Stretch],
    model: WrittenAnswers,
    session: Session,
    latency: Latency,
) -> dict[str, Any]:
    """Type all stretches by one policy."""
    model.threshold = variant.threshold
    settings = SuggestionSettings(delay_ms=variant.delay_ms, multi_line=variant.multi_line)
    typed = []
    for done, stretch in enumerate(_with_repository(stretches, session), 1):
        typed.append(type_stretch(stretch, model, latency, settings))
        print(f"\r{variant.name}: {done} of {len(stretches)}", end="", file=sys.stderr)
    print(file=sys.stderr)
    return asdict(variant) | summary(typed, SEED)


def _with_repository(stretches: Sequence[Stretch], session: Session) -> Iterator[Stretch]:
    """Yield stretches, each once the session has read its repository."""
    read: Path | None = None
    for stretch in stretches:
        if stretch.file.root != read:
            read = stretch.file.root
            session.read_repository(str(read), ())
        yield stretch


def best_of(rows: Sequence[dict[str, Any]]) -> dict[str, Any] | None:
    """Return the row that saves most keys of those that show few enough wrong suggestions."""
    few = [row for row in rows if row["wrong_shown_per_100_keys"] <= MOST_WRONG]
    return max(few, key=lambda row: row["keystrokes_saved"], default=None)


def table(rows: Sequence[dict[str, Any]], best: str | None) -> str:
    """Return the figures for a person."""
    lines = [
        f"  {'policy':18} {'keys saved (95 %)':>24} {'shown':>6} {'accepted':>9} {'wrong/100':>10}"
    ]
    for row in rows:
        low, high = (100 * bound for bound in row["keystrokes_saved_ci"])
        saved = f"{100 * row['keystrokes_saved']:5.1f} % ({low:.1f}–{high:.1f})"
        mark = "›" if row["name"] == best else " "
        lines.append(
            f"{mark} {row['name']:18} {saved:>24} {row['shown']:6} {row['accepted']:9}"
            f" {row['wrong_shown_per_100_keys']:10.2f}"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
