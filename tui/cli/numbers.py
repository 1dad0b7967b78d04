"""`spark-tui numbers`: what became of the suggestions that the app showed on this computer."""

import datetime as dt
from typing import Any

import click

from tui.assist.numbers.counts import DAYS, KindCounts, total
from tui.assist.numbers.figures import figures
from tui.assist.numbers.store import NumbersStore
from tui.cli.failures import WrongCallError
from tui.cli.options import json_option
from tui.cli.output import say, say_json
from tui.format import milliseconds_text, percent_text
from tui.user_folders import numbers_file

__all__ = ["numbers"]


@click.command(short_help="Print what became of suggestions, counted on this computer.")
@click.option(
    "--days",
    type=click.IntRange(1, DAYS),
    default=DAYS,
    show_default=True,
    metavar="N",
    help="Count today and so many days before, less one.",
)
@click.option("--clear", is_flag=True, help="Forget everything instead.")
@json_option
def numbers(days: int, clear: bool, as_json: bool) -> None:
    """Print what became of the suggestions that the app showed: counts, times, no text.

    The app counts them and keeps the last 90 days in its state folder; nothing is sent anywhere.
    """
    store = NumbersStore(numbers_file())
    if clear:
        _clear(store)
        return
    since = dt.date.today() - dt.timedelta(days=days - 1)
    kinds = store.read().kinds(since)
    report = {
        "since": since.isoformat(),
        "file": str(numbers_file()),
        "total": figures(total(kinds)),
        "kinds": [
            {"model": each.model, "file_type": each.file_type, **figures(each.counts)}
            for each in kinds
        ],
    }
    if as_json:
        say_json(report)
    else:
        _print(report, kinds)


def _clear(store: NumbersStore) -> None:
    try:
        store.clear()
    except OSError as error:
        raise WrongCallError(f"'{numbers_file()}' cannot be removed: {error.strerror}") from error
    say("the numbers begin anew")


def _print(report: dict[str, Any], kinds: list[KindCounts]) -> None:
    """Print the sums, then a line for each kind."""
    sums = report["total"]
    say(f"since {report['since']}, counted on this computer only ({report['file']})")
    if not sums["shown"]:
        say("nothing was shown yet")
        return
    say(
        f"shown {sums['shown']}, accepted {sums['accepted']}"
        f" ({percent_text(sums['accepted_share'])}), dismissed {sums['dismissed']},"
        f" held back {sums['held_back']}"
    )
    say("accept keys: " + ", ".join(f"{key} {n}" for key, n in sums["accept_keys"].items()))
    still = [
        f"{percent_text(each['share'])} after {each['after_s']} s" for each in sums["still_there"]
    ]
    say("still there: " + ", ".join(still))
    say(f"keys saved: {sums['keys_saved']} ({percent_text(sums['keys_saved_share'])})")
    say("host time, p50 and p95:")
    for name, times in sums["host_ms"].items():
        middle, late = milliseconds_text(times["p50"]), milliseconds_text(times["p95"])
        say(f"  {name.replace('_', ' '):<12}{middle:>9}{late:>9}")
    for kind, counts in zip(kinds, report["kinds"], strict=True):
        rate, saved = counts["accepted_share"], counts["keys_saved_share"]
        say(
            f"{kind.model}, {kind.file_type}: shown {counts['shown']}, accepted"
            f" {percent_text(rate)}, keys saved {percent_text(saved)}"
        )
