"""Measure an edit of one line in many that look alike: how much faster it is with guesses.

    .venv/bin/python scripts/bench_edit.py --model NAME --lines 100 --rounds 3

The same edit is made with and without guessed tokens, in turn, on one model in this process.  Both
must give the same text.  Passes are counted, and do not depend on what else the computer does; the
times are host time.  No round begins that would probably end after ``--seconds``, so a slow or busy
computer measures fewer.  A line after each edit, a report, then one JSON object as the last line.
"""

import argparse
import json
import sys
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from engine.protocol.editing import Edit, EditRequest  # noqa: E402
from engine.session import Session  # noqa: E402

__all__ = ["main"]


def request(lines: int) -> EditRequest:
    """Return an edit of one of so many lines."""
    table = [
        f'    Option("option_{number}", default={number * 3}, help="Sets option {number}."),'
        for number in range(lines - 2)
    ]
    text = "\n".join(["OPTIONS = [", *table, "]"])
    chosen = lines // 2
    instruction = f"Change the default of option_{chosen} to 999. Keep all other lines."
    return EditRequest("options.py", f"{text}\n", 1, lines, instruction)


def figures(edit: Edit) -> dict[str, float]:
    """Return what an edit took."""
    passes = edit.completion_tokens - edit.host.accepted_tokens
    return {
        "tokens": edit.completion_tokens,
        "passes": passes,
        "tokens_per_pass": edit.completion_tokens / passes,
        "guessed_tokens": edit.host.guessed_tokens,
        "decode_ms": edit.host.decode_ms,
    }


def measure(
    sessions: dict[bool, Session], one: EditRequest, rounds: int, seconds: float
) -> tuple[dict[bool, list[dict[str, float]]], set[str]]:
    """Return what each edit took, without and with guesses, and the texts that came out.

    Args:
        sessions: Without and with guesses.
        one: The edit.
        rounds: Most rounds; the first is made in any case.
        seconds: When to begin none that would end later, by the longest so far.
    """
    measured: dict[bool, list[dict[str, float]]] = {guesses: [] for guesses in sessions}
    texts: set[str] = set()
    began, longest = perf_counter(), 0.0
    for number in range(rounds):
        since = perf_counter()
        if number and since - began + longest > seconds:
            break
        for guesses, session in sessions.items():
            edit = session.rewrite(one)
            texts.add(edit.text)
            measured[guesses].append(figures(edit))
            kind = "with guesses" if guesses else "plain"
            print(f"round {number + 1}, {kind}: {edit.host.decode_ms / 1e3:.1f} s", flush=True)
        longest = max(longest, perf_counter() - since)
    return measured, texts


def main() -> None:
    """Measure, and print."""
    options = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    options.add_argument("--model", required=True)
    options.add_argument("--lines", type=int, default=100)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--seconds", type=float, default=240.0)
    options.add_argument("--threads", type=int)
    asked = options.parse_args()
    sessions = {
        guesses: Session.open(asked.model, threads=asked.threads, speculation=guesses)
        for guesses in (False, True)
    }
    measured, texts = measure(sessions, request(asked.lines), asked.rounds, asked.seconds)
    plain, fast = (
        {name: median(round_[name] for round_ in rounds) for name in rounds[0]}
        for rounds in (measured[False], measured[True])
    )
    report: dict[str, Any] = {
        "model": asked.model,
        "lines": asked.lines,
        "rounds": len(measured[True]),
        "same_text": len(texts) == 1,
        "plain": plain,
        "guessed": fast,
        "times_faster": plain["decode_ms"] / fast["decode_ms"],
    }
    for name, row in (("plain", plain), ("with guesses", fast)):
        print(
            f"{name:>12}: {row['tokens']:.0f} tokens in {row['passes']:.0f} passes"
            f" ({row['tokens_per_pass']:.1f} a pass), decode {row['decode_ms'] / 1e3:.2f} s"
        )
    print(f"{report['times_faster']:.2f} times as fast, same text: {report['same_text']}")
    print(json.dumps(report))


if __name__ == "__main__":
    main()
