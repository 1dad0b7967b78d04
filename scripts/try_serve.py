"""Puts `spark-tui serve` to the test with a real model: the same texts, many clients, abuse.

    .venv/bin/python scripts/try_serve.py places [--model M] [-n 200] [--first K] [--data DIR]
        [--seed S] [--timeout SECONDS]
    .venv/bin/python scripts/try_serve.py typing [--model M] [--clients 8] [--keys 25]
    .venv/bin/python scripts/try_serve.py abuse  [--model M] [--seconds 600] [--seed S]

``places`` draws places from Python files and compares ``/infill`` with what `spark-tui complete
--no-repository` computes, each in a session of its own; and with the file's name left out.  Goes on
at place K where an earlier run was ended.  On a computer so busy that the server may have
ended a request for its time, the place is told as late and not compared: ``--timeout`` gives more.
``typing`` lets clients ask at each key, one request after the other as llama.vim does: host time
from request to answer, and how much the server's memory grew.  ``abuse`` sends random requests,
cuts connections and sends garbage.  Ends with 1 where something is not as it must be; the last
line is JSON.
"""

import argparse
import asyncio
import json
import random
import statistics
import sys
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.bench.http_server import ENDED_SECONDS, Server, served  # noqa: E402

MOST_GROWTH = 1.1
"""Resident memory of the server afterwards, in times of what it was when warm."""
SURE_SHARE = 0.9
"""Two answers that together take this share of the time for one were not ended for it."""
STARVED = 3.0
"""No client's 95th percentile may be more than so many medians of all."""
TEXT = ROOT / "tests" / "data" / "typing"


# ── the same texts ──────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Place:
    """A cursor in a file."""

    path: str
    prefix: str
    suffix: str

    def cursor(self, *, named: bool) -> dict[str, Any]:
        """Return it as a plugin sends it."""
        line = self.prefix.rfind("\n") + 1
        sent = {
            "input_prefix": self.prefix[:line],
            "prompt": self.prefix[line:],
            "input_suffix": self.suffix,
            "n_predict": 64,
            "temperature": 0,
        }
        return sent | ({"filename": self.path} if named else {})


def places(data: Path, count: int, dice: random.Random) -> list[Place]:
    """Draw places behind characters of lines with something in them."""
    files = [path for path in sorted(data.rglob("*.py")) if path.stat().st_size > 500]
    found = []
    for path in dice.choices(files, k=count):
        text = path.read_text(encoding="utf-8")
        at = dice.randrange(len(text))
        found.append(Place(path.relative_to(data).as_posix(), text[:at], text[at:]))
    return found


def alone(place: Place, model: str | None) -> str:
    """Return the text as the command computes it: in a new session."""
    import engine

    session = engine.Session.open(model)
    try:
        request = engine.CompletionRequest(place.path, place.prefix, place.suffix, max_tokens=64)
        return session.complete(request).text
    finally:
        session.close()


async def try_places(options: argparse.Namespace) -> dict[str, Any]:
    """Compare texts; a difference is printed."""
    drawn = places(options.data, options.n, random.Random(options.seed))
    same = same_unnamed = late = 0
    sure_seconds = SURE_SHARE * options.timeout
    async with served(options.model, options.timeout) as server:
        for number, place in enumerate(drawn[options.first :], options.first):
            texts, began = [], monotonic()
            for named in (True, False):
                status, answer = await server.fetched("/infill", place.cursor(named=named))
                assert status == 200, answer
                texts.append(answer["content"])
            if monotonic() - began > sure_seconds:
                late += 1
                print(f"{number} {place.path}: late, not compared", flush=True)
                continue
            expected = await asyncio.to_thread(alone, place, options.model)
            same += texts[0] == expected
            same_unnamed += texts[1] == expected
            if texts[0] != expected:
                print(f"{number} {place.path}: {expected!r} alone, {texts[0]!r} served")
            if (number + 1) % 10 == 0:  # a long run that is ended has told how far it came
                compared = number + 1 - options.first - late
                print(f"up to {number}: {same} of {compared}, {same_unnamed} unnamed", flush=True)
    compared = len(drawn) - options.first - late
    print(f"{same} of {compared} texts are the same, {same_unnamed} without the file's name")
    report = {"places": compared, "late": late, "same": same, "same_unnamed": same_unnamed}
    return report | {"good": same == compared > 0}


# ── many clients ────────────────────────────────────────────────────────────────────────────


async def types(server: Server, text: str, start: int, keys: int) -> list[float]:
    """Ask behind each key that is typed; the host times in ms."""
    took = []
    for at in range(start, start + keys):
        place = Place("typed.py", text[:at], "\n\n")
        began = monotonic()
        status, answer = await server.fetched("/infill", place.cursor(named=True))
        assert status == 200, answer
        took.append((monotonic() - began) * 1e3)
    return took


async def try_typing(options: argparse.Namespace) -> dict[str, Any]:
    """Let clients type at once."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(TEXT.rglob("*.py"))]
    async with served(options.model) as server:
        await types(server, texts[0], 40, 2)
        before = server.resident_mb()
        clients = [texts[i % len(texts)] for i in range(options.clients)]
        spans = await asyncio.gather(
            *(types(server, text, 60 + 9 * i, options.keys) for i, text in enumerate(clients))
        )
        after = server.resident_mb()
    every = [each for span in spans for each in span]
    middle = statistics.median(every)
    slowest = max(statistics.quantiles(span, n=20)[-1] for span in spans)
    for number, span in enumerate(spans):
        median, late = statistics.median(span), statistics.quantiles(span, n=20)[-1]
        print(f"client {number}: {len(span)} answers, median {median:.0f} ms, p95 {late:.0f} ms")
    print(f"memory of the server: {before:.1f} MB, then {after:.1f} MB")
    good = slowest <= STARVED * middle and after <= MOST_GROWTH * before
    return {
        "answers": len(every),
        "median_ms": middle,
        "worst_client_p95_ms": slowest,
        "ratio": slowest / middle,
        "before_mb": before,
        "after_mb": after,
        "good": good,
    }


# ── abuse ───────────────────────────────────────────────────────────────────────────────────

PATHS = ("/infill", "/completion", "/v1/completions", "/v1/chat/completions", "/api/generate",
         "/props", "/slots", "/metrics", "/v1/models", "/nothing")  # fmt: skip


def random_value(dice: random.Random, depth: int = 0) -> Any:
    """Return some JSON value."""
    kind = dice.randrange(6 if depth < 3 else 4)
    return [
        lambda: dice.choice([None, True, -1, 0, 1e300, 1 << 70]),
        lambda: dice.randrange(-5, 300),
        lambda: "".join(chr(dice.randrange(1, 0xD7FF)) for _ in range(dice.randrange(30))),
        lambda: dice.choice(["def f():\n", "stop", "\x1b[31m", "user"]),
        lambda: [random_value(dice, depth + 1) for _ in range(dice.randrange(4))],
        lambda: {str(random_value(dice, 3)): random_value(dice, depth + 1) for _ in range(3)},
    ][kind]()


def random_request(dice: random.Random, server: Server) -> bytes:
    """Return something like a request: sound, with wrong fields, cut, or noise."""
    sound = {
        "input_prefix": "def f(a):\n", "input_suffix": "\n", "prompt": "    return ",
        "messages": [{"role": "user", "content": "hi"}], "n_predict": dice.randrange(8),
        "max_tokens": dice.randrange(1, 8), "stream": dice.random() < 0.5,
        "options": {"num_predict": dice.randrange(8)},
    }  # fmt: skip
    if dice.random() < 0.5:
        sound[dice.choice(list(sound))] = random_value(dice)
    sent = server.written(dice.choice(PATHS), sound)
    match dice.randrange(5):
        case 0:
            return sent[: dice.randrange(len(sent))]
        case 1:
            return dice.randbytes(dice.randrange(500))
        case 2:
            at = dice.randrange(len(sent))
            return sent[:at] + dice.randbytes(3) + sent[at:]
        case _:
            return sent


async def abuses(server: Server, dice: random.Random, until: float) -> int:
    """Send such requests, and hang up when it pleases; how many."""
    sent = 0
    while monotonic() < until:
        async with asyncio.timeout(server.longest_seconds):
            reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(random_request(dice, server))
        try:
            async with asyncio.timeout(dice.choice([0.0, 0.01, 0.3, 3.0])):
                await reader.read()
        except (TimeoutError, ConnectionError):
            pass
        writer.transport.abort()
        sent += 1
    return sent


async def try_abuse(options: argparse.Namespace) -> dict[str, Any]:
    """Abuse it, then ask whether it still answers."""
    place = Place("a.py", "def f(a):\n    return ", "\n")
    async with served(options.model) as server:
        seeds = [random.Random(options.seed + i) for i in range(6)]
        await asyncio.gather(
            *(abuses(server, each, monotonic() + options.seconds / 10) for each in seeds)
        )
        _, expected = await server.fetched("/infill", place.cursor(named=True))
        before = server.resident_mb()
        began = monotonic()
        sent = sum(
            await asyncio.gather(*(abuses(server, e, began + options.seconds) for e in seeds))
        )
        await asyncio.sleep(1)
        status, answer = await server.fetched("/infill", place.cursor(named=True))
        _, slots = await server.fetched("/slots")
        after = server.resident_mb()
    print(f"{sent} requests; memory of the server: {before:.1f} MB, then {after:.1f} MB")
    good = (
        (status, answer["content"]) == (200, expected["content"])
        and slots[0]["requests_waiting"] == 0
        and after <= MOST_GROWTH * before
    )
    return {"requests": sent, "before_mb": before, "after_mb": after, "good": good}


def main() -> int:
    """Return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("what", choices=("places", "typing", "abuse"))
    parser.add_argument("--model")
    parser.add_argument("-n", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--data", type=Path, default=ROOT / "engine")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--timeout", type=float, default=ENDED_SECONDS)
    parser.add_argument("--clients", type=int, default=8)
    parser.add_argument("--keys", type=int, default=25)
    parser.add_argument("--seconds", type=float, default=600)
    options = parser.parse_args()
    trial = {"places": try_places, "typing": try_typing, "abuse": try_abuse}[options.what]
    report = asyncio.run(trial(options))
    print(json.dumps(report))
    return 0 if report["good"] else 1


if __name__ == "__main__":
    sys.exit(main())
