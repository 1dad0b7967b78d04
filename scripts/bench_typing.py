"""Measure typing: files typed key by key on a real engine process, with the app's own policy.

    .venv/bin/python scripts/bench_typing.py --model NAME --no-delay [--keys N] [--latency-out FILE]

Types the files of `tests/data/typing` from a line in their second quarter on.  Every second right
suggestion is accepted with Tab, the others are typed through.  For each key: what answered it (a
request, the text that was shown already, an earlier answer), and from the key to the *first text*,
the first that is not withdrawn, and to the whole line, by part.  Times are told in *passes*, too:
bytes read for one token ÷ the bandwidth that the same run measures.

Each key waits for the answer to the one before, so all runs of one model ask the same questions;
``--wait line`` goes on once its first line is there, which is quicker, and ``--key-ms`` types at a
rhythm and counts what stays unanswered.  ``--passes`` counts what the model computed, which is
exact on a loaded computer, and tells what the slowest first texts were spent on; its times mean
nothing.  Then cursors in files of which the engine knows nothing, with 200 and with 1,000 tokens
around.  ``--second spark-nano`` asks a small model first, as the app does with two models; its
texts count as the others do.  A report, then one JSON object as the last line.  Host time.
"""

import argparse
import asyncio
import inspect
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from engine.wafer.jit import kernel_cache  # noqa: E402
from scripts.bench.engine_worker import work  # noqa: E402
from scripts.bench.limits import Memory  # noqa: E402
from scripts.bench.spread import percentiles, rounded  # noqa: E402
from scripts.bench.typing_face import Face, Pace  # noqa: E402
from scripts.bench.typing_keys import PARTS, Key, as_json, latency_table, summary  # noqa: E402
from scripts.bench.typing_page import LANGUAGES, Page, stretches  # noqa: E402
from scripts.bench.typing_passes import passes_summary  # noqa: E402
from scripts.bench.workers import ended_in_order  # noqa: E402
from tui.settings import SuggestionSettings  # noqa: E402

TEXTS = ROOT / "tests" / "data" / "typing"
COLD_TOKENS = (200, 1000)
MOST_KEYS = 1_000_000

Json = dict[str, Any]


# ── the model, before its process opens it ──────────────────────────────────────────────────


@dataclass(frozen=True)
class Known:
    """What is known of the model without the engine process."""

    place: Path
    name: str
    language: str
    weight_bytes: int
    """Read for one token."""
    tokenizer: Any


def look_at(model: str | None) -> Known:
    """Return what the model's files and its Program say."""
    kernel_cache.use()
    from engine.model.load import load_model
    from engine.model_store.lookup import find_model
    from engine.tokenizer import Tokenizer
    from engine.wafer.plan.placed import open_placed
    from engine.wafer.program import machine

    place = find_model(model)
    loaded = load_model(place)
    placed = open_placed(loaded.graph, machine.get("wse3"), formats=loaded.formats)
    read = work(placed.program, loaded.tensors)["weight_bytes"]
    return Known(place, loaded.name, loaded.language, read, Tokenizer.load(place))


# ── typing ──────────────────────────────────────────────────────────────────────────────────


async def typed(call: argparse.Namespace, known: Known, options: Json) -> tuple[Face, list[Key]]:
    """Type all pages, then ask at cold cursors; return the face and the keys of the latter."""
    settings = SuggestionSettings(
        delay_ms=0 if call.no_delay else SuggestionSettings().delay_ms,
        threshold=call.threshold,
        repository_knowledge=not call.no_knowledge,
        adaptive_delay=False,
        ahead=False,  # every key here is answered by a request of its own
    )
    face = Face(
        str(known.place),
        settings,
        options,
        None if call.no_knowledge else call.texts,
        Pace(call.wait, call.pace_ms / 1e3, call.key_ms and call.key_ms / 1e3),
        call.second,
    )
    cold: list[Key] = []
    async with face:
        files = text_files(call.texts, known.language)
        for page in stretches(files, call.seed):
            say(f"typing {page.path}")
            await face.type(page, call.keys, lambda: None)
        for tokens in call.cold:
            pages = cold_pages(files, known.tokenizer, tokens, call.cold_rounds)
            cold += [await face.cold(page) for page in pages]
    return face, cold


def text_files(folder: Path, language: str) -> list[Path]:
    """Return the files that the model knows the language of."""
    return [
        path
        for path in sorted(folder.iterdir())
        if LANGUAGES.get(path.suffix) is not None and language in ("any", LANGUAGES[path.suffix])
    ]


def cold_pages(files: list[Path], tokenizer: Any, tokens: int, rounds: int) -> list[Page]:
    """Return pages of which no part is in the KV cache, with so many tokens around the cursor.

    Three quarters stand before it; it is at the end of a line.  Each page begins with other words.
    """
    pages = []
    for number in range(rounds):
        order = files[number % len(files) :] + files[: number % len(files)]
        text = "\n".join(path.read_text(encoding="utf-8") for path in order if path.suffix == ".py")
        ids = tokenizer.encode_part(f"# page {number} of {tokens}\n{text}")[:tokens]
        head = tokenizer.decode(ids[: 3 * tokens // 4]).rpartition("\n")[0] + "\n"
        below = tokenizer.decode(ids[3 * tokens // 4 :]).partition("\n")[2]
        name = f"cold_{tokens}_{number}.py"
        pages.append(Page(name, "python", head, "", "\n" + below, "    "))
    return pages


def measure(call: argparse.Namespace, known: Known, speculation: bool | None) -> Json:
    """Type once, with or without speculation (None: as the engine does by itself)."""
    with own_folders() as folder:
        options: Json = {"threads": call.threads, "notes": f"{folder}/notes"}
        options["passes"] = call.passes
        if speculation is not None:
            options["speculation"] = speculation
        face, cold = asyncio.run(typed(call, known, options))
    assert face.ready is not None
    bandwidth = Memory().bytes_per_second(face.ready.threads)
    pass_ms = 1e3 * known.weight_bytes / bandwidth
    keys = [key for key in face.keys if not any(key is other for other in cold)]
    found = {
        "speculation": speculation,
        "path": face.ready.processor_path,
        "threads": face.ready.threads,
        "bandwidth_bytes_per_second": bandwidth,
        **summary(keys, pass_ms),
        "cold": cold_figures(cold, call),
        "latency_table": latency_table(known.name, keys),
        "counted": counted(keys) if call.passes else None,
    }
    if call.keys_out:
        call.keys_out.write_text(json.dumps(as_json(face.keys), indent=1), encoding="utf-8")
    return found


def counted(keys: list[Key]) -> Json:
    """Return the passes of the answers that were shown, those at a cold cursor left out."""
    return passes_summary(
        (key.before, key.final, key.passes)
        for key in keys
        if key.kind != "cold" and key.final and key.passes is not None
    )


@contextmanager
def own_folders() -> Iterator[Path]:
    """Give the engine process a socket and a log of its own."""
    with tempfile.TemporaryDirectory(prefix="spark-bench.") as folder, ExitStack() as stack:
        for kind in ("RUNTIME", "STATE"):
            name = f"SPARK_{kind}_DIR"
            stack.callback(_restored, name, os.environ.get(name))
            os.environ[name] = f"{folder}/{kind.lower()}"
        yield Path(folder)


def _restored(name: str, value: str | None) -> None:
    """Set a variable of the environment to what it was."""
    os.environ.pop(name)
    if value is not None:
        os.environ[name] = value


def cold_figures(cold: list[Key], call: argparse.Namespace) -> Json:
    """Return the first texts at cold cursors, by the tokens around."""
    found = {}
    for index, tokens in enumerate(call.cold):
        keys = cold[index * call.cold_rounds : (index + 1) * call.cold_rounds]
        firsts = [key.figures()["first_text_ms"] for key in keys if key.figures()]
        found[str(tokens)] = {
            "n": len(keys),
            "with_text": len(firsts),
            "first_text_ms": percentiles(firsts),
            "prompt_tokens": percentiles([key.prompt_tokens for key in keys]),
            "new_tokens": percentiles([key.new_tokens for key in keys]),
        }
    return found


# ── the report ──────────────────────────────────────────────────────────────────────────────


def table(one: Json) -> list[str]:
    """Return the lines for people about one run."""
    sources = ", ".join(f"{name} {count}" for name, count in one["sources"].items())
    spoken = {None: "", True: ", with speculation", False: ", without speculation"}
    lines = [
        "",
        f"path {one['path']}, {one['threads']} thread(s){spoken[one['speculation']]}: "
        f"{one['keys']} keys ({sources}); a pass is {one['pass_ms']:.2f} ms at "
        f"{one['bandwidth_bytes_per_second'] / 1e9:.1f} GB/s",
        f"{'requests after':16} {'n':>5} {'first text ms p50 p95 p99':>28} {'passes':>13} "
        f"{'whole line ms p50 p95':>22} {'passes':>13} {'new tokens':>10}",
    ]
    rows = {"all but cold": one["request"], **one["kinds"]}
    lines += [latency_row(name, figures) for name, figures in rows.items()]
    lines.append("first text by part, p50 (p95): " + parts(one["request"]))
    if one["request"]["any_text_ms"]:
        any_text = one["request"]["any_text_ms"]
        lines.append(
            f"first text, also one that gave way to another: p50 {any_text['p50']:.1f} ms, "
            f"p95 {any_text['p95']:.1f} ms"
        )
    for name in ("shown", "cache"):
        if one[name]:
            at = one[name]
            lines.append(
                f"answered by what was {'shown' if name == 'shown' else 'known'}: "
                f"p50 {at['p50']:.2f} ms, p95 {at['p95']:.2f} ms"
            )
    for tokens, figures in one["cold"].items():
        at = figures["first_text_ms"]
        lines.append(
            f"new file, {tokens} tokens around: first text "
            + (f"p50 {at['p50']:.0f} ms, most {at['max']:.0f} ms" if at else "never")
            + f" ({figures['with_text']} of {figures['n']} had one; prompts of "
            f"{figures['prompt_tokens']['p50']:.0f} tokens)"
        )
    lines.append(
        f"nothing to show {one['nothing_shown']}, unanswered {one['unanswered']}, texts withdrawn "
        f"{one['withdrawn']}"
    )
    if one["counted"] and one["counted"]["n"]:
        lines += counted_lines(one["counted"])
    return lines


def counted_lines(one: Json) -> list[str]:
    """Return the lines about passes."""
    first, line = one["first_text"], one["whole_line"]
    return [
        f"passes of {one['n']} answers: first text p50 {first['p50']:.0f}, p95 {first['p95']:.0f}, "
        f"most {first['max']:.0f}; whole line p50 {line['p50']:.0f}, p95 {line['p95']:.0f}; "
        f"{one['tokens_per_pass']:.2f} tokens and {one['rows_per_pass']:.2f} rows a pass",
        "the slowest tenth of the first texts, by what the passes were spent on:",
        *(
            f"{each['first']:4} passes ("
            + ", ".join(f"{name} {count}" for name, count in each["on"].items() if count)
            + f"): {each['before'][-24:]!r} → {each['final'][:40]!r}"
            for each in one["slowest"]
        ),
    ]


def latency_row(name: str, one: Json) -> str:
    """Return the line of one kind of keys."""
    first, line = one["first_text_ms"], one["whole_line_ms"]
    if not first or not line:
        return f"{name:16} {one['n']:5}"
    passes, line_passes = one["first_text_passes"], one["whole_line_passes"]
    times = f"{first['p50']:.1f} {first['p95']:.1f} {first['p99']:.1f}"
    return (
        f"{name:16} {one['n']:5} {times:>28} {passes['p50']:6.1f} {passes['p95']:6.1f} "
        f"{line['p50']:13.1f} {line['p95']:8.1f} {line_passes['p50']:6.1f} "
        f"{line_passes['p95']:6.1f} {one['new_tokens']['p50']:10.0f}"
    )


def parts(one: Json) -> str:
    """Return the parts of the first text in words."""
    return ", ".join(
        f"{name.removesuffix('_ms').replace('_', ' ')} {one[name]['p50']:.1f} "
        f"({one[name]['p95']:.1f}) ms"
        for name in PARTS
        if one[name]
    )


def write_table(latency: Json | None, file: Path) -> None:
    """Write a latency table, or say why there is none."""
    if latency is None:
        say(f"nothing was shown, so {file} is not written")
        return
    file.write_text(json.dumps(latency) + "\n", encoding="utf-8")


def say(text: str) -> None:
    """Report progress, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


def switches(asked: str) -> list[bool | None]:
    """Return the ways to open the engine; None leaves speculation as the engine has it.

    Raises:
        SystemExit: The engine cannot be told.
    """
    if asked == "default":
        return [None]
    from engine.session import Session

    if "speculation" not in inspect.signature(Session.open).parameters:
        raise SystemExit(
            f"--speculation {asked}: this engine's Session.open takes no such choice; leave it out"
        )
    return {"on": [True], "off": [False], "both": [False, True]}[asked]


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Return the call."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", help="name, folder or GGUF file; the default is the app's")
    parser.add_argument("--second", help="a small model that is asked first, as `models.second`")
    parser.add_argument("--texts", type=Path, default=TEXTS, help="folder of files to type")
    parser.add_argument("--keys", type=int, default=MOST_KEYS, help="keys of each file, at most")
    parser.add_argument("--key-ms", type=float, help="type at this rhythm, whatever has come")
    parser.add_argument(
        "--pace-ms", type=float, default=100.0,
        help="least time from key to key: the engine's idle time (100)",
    )  # fmt: skip
    parser.add_argument(
        "--wait", choices=["answer", "line"], default="answer",
        help="what a key waits for: the whole answer to the one before, or its first line",
    )  # fmt: skip
    parser.add_argument("--no-delay", action="store_true", help="without the policy's rest")
    parser.add_argument(
        "--threshold", type=int, default=SuggestionSettings().threshold, metavar="PERCENT",
        help="the chance from which a suggestion is shown (%(default)s)",
    )  # fmt: skip
    parser.add_argument("--no-knowledge", action="store_true", help="the model writes alone")
    parser.add_argument(
        "--speculation", choices=["default", "on", "off", "both"], default="default"
    )
    parser.add_argument("--threads", type=int, help="the default is the engine's")
    parser.add_argument("--cold", type=int, nargs="*", default=list(COLD_TOKENS))
    parser.add_argument("--cold-rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0, help="where typing begins")
    parser.add_argument("--passes", action="store_true", help="count passes instead of time")
    parser.add_argument("--keys-out", type=Path, help="every key, as JSON")
    parser.add_argument(
        "--latency-out", type=Path, help="a table for `spark-tui bench quality --latency`"
    )
    call = parser.parse_args(arguments)
    if call.passes and call.second:
        parser.error("--passes counts those of one model; leave --second out")
    if min(call.cold_rounds, call.keys, call.threads or 1) < 1:
        parser.error("--keys, --threads and --cold-rounds take 1 or more")
    return call


def main(arguments: list[str] | None = None) -> None:
    """Type and print."""
    call = parsed(arguments)
    ways = switches(call.speculation)
    ended_in_order()
    load = round(os.getloadavg()[0], 2)
    known = look_at(call.model)
    runs = [measure(call, known, way) for way in ways]
    if call.latency_out:
        write_table(runs[-1]["latency_table"], call.latency_out)
    print(f"{known.name}, {'no' if call.no_delay else 'with the'} delay of the policy")
    print("\n".join(line for one in runs for line in table(one)))
    print(json.dumps(rounded({
        "benchmark": "typing",
        "host": {"cpus": os.cpu_count(), "load_before": load},
        "model": known.name,
        "second": call.second,
        "weight_bytes_per_token": known.weight_bytes,
        "delay": not call.no_delay,
        "threshold": call.threshold,
        "key_ms": call.key_ms,
        "wait": call.wait,
        "pace_ms": call.pace_ms,
        "knowledge": not call.no_knowledge,
        "runs": runs,
    })))  # fmt: skip


if __name__ == "__main__":
    main()
