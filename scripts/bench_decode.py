"""Measure the fast tier on a model: prefill and decode in tokens a second, beside what is possible.

    .venv/bin/python scripts/bench_decode.py --model NAME --prompt 512 --decode 64 --threads 2

A prompt of real code (this repository's) is prefilled into an empty context, then tokens are
decoded greedily behind it.  The same run measures the bandwidth of memory and the rate of dot
products with plain loops, so that shares can be told: decode reads every weight once a token,
prefill multiplies.

``--beside N`` measures quiet and beside N endless loops, at nice 19 and at nice 0, with one thread
too.  Several ``--tree`` measure other checkouts of this repository in turn, so that whatever else
the computer does meets all of them alike.  Each model is open in a child of its own; every round
visits all cases.  Host time.  A report, then one JSON object as the last line.
"""

import argparse
import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.bench.beside import endless_loops  # noqa: E402
from scripts.bench.code_text import prompt_tokens  # noqa: E402
from scripts.bench.limits import Memory, dot_peak  # noqa: E402
from scripts.bench.spread import percentiles, ratios, rounded, spread  # noqa: E402
from scripts.bench.workers import Worker, WorkerDied, ended_in_order, engine_worker  # noqa: E402

QUIET, NICE_19, NICE_0 = "quiet", "nice19", "nice0"
NICENESS = {NICE_19: 19, NICE_0: 0}
RANDOM_MODELS = ("random-17m", "random-90m", "random-390m")
WARM_UP = 3
"""Tokens decoded before anything counts."""

Json = dict[str, Any]


@dataclass
class Case:
    """One checkout on some threads, beside something or nothing; a figure a round."""

    worker: Worker
    tree: Path
    threads: int
    beside: str
    prefill: list[float] = field(default_factory=list)
    """Tokens a second."""
    decode: list[float] = field(default_factory=list)
    token_ms: list[float] = field(default_factory=list)
    """Of every token of all rounds."""
    bandwidth: list[float] = field(default_factory=list)
    """Bytes a second that plain loops read, on as many threads, beside the same."""

    def run(self, tokens: list[int], call: argparse.Namespace, memory: Memory) -> None:
        """Measure one round."""
        done = self.worker.ask("measure", tokens=tokens, decode=call.decode, seconds=call.seconds)
        times = done["token_seconds"]
        self.prefill.append(len(tokens) / done["prefill_seconds"])
        self.decode.append(len(times) / sum(times))
        self.token_ms += [1e3 * seconds for seconds in times]
        self.bandwidth.append(memory.bytes_per_second(self.threads))

    def figures(self, prompt: int, peaks: dict[int, float | None]) -> Json:
        """Return what the rounds gave."""
        known = self.worker.described
        macs = prompt_macs(known, prompt) / prompt
        rates = [rate * macs / self.threads / 1e9 for rate in self.prefill]
        peak = peaks[self.threads]
        return {
            "tree": str(self.tree),
            "threads": self.threads,
            "beside": self.beside,
            "path": known["path"],
            "open_seconds": round(known["open_seconds"], 3),
            "prefill_tokens_per_second": spread(self.prefill),
            "decode_tokens_per_second": spread(self.decode),
            "token_ms": percentiles(self.token_ms),
            "bandwidth_bytes_per_second": spread(self.bandwidth),
            "bandwidth_share": spread([
                known["weight_bytes"] * rate / limit
                for rate, limit in zip(self.decode, self.bandwidth, strict=True)
            ]),
            "gmac_per_second_per_core": spread(rates),
            "peak_gmac_per_second_per_core": peak and peak / self.threads / 1e9,
            "arithmetic_share": peak and median(rates) * 1e9 * self.threads / peak,
        }  # fmt: skip


def prompt_macs(known: Json, prompt: int) -> float:
    """Return the multiply–accumulates of a prompt: products, heads of its steps, attention."""
    steps = -(-prompt // known["prefill_chunk"])
    attention = sum(
        2 * width * min(position, window or position)
        for width, window in known["attentions"]
        for position in range(1, prompt + 1)
    )
    return known["row_macs"] * prompt + known["step_macs"] * steps + attention


def measure(call: argparse.Namespace, stack: ExitStack) -> list[Case]:
    """Measure all cases, round by round."""
    workers = {}
    for tree in call.tree:
        for threads in call.threads:
            say(f"opening {call.model} on {threads} thread(s), {tree}")
            workers[tree, threads] = stack.enter_context(engine_worker(call.model, threads, tree))
    tokens = prompt_tokens(next(iter(workers.values())), call.prompt, call.decode)
    for worker in workers.values():
        worker.ask("measure", tokens=tokens[:64], decode=WARM_UP, seconds=60)
    memory = Memory()
    conditions = [QUIET, NICE_19, NICE_0] if call.beside else [QUIET]
    cases = [
        Case(worker, tree, threads, beside)
        for beside in conditions
        for (tree, threads), worker in workers.items()
    ]
    for number in range(call.rounds):
        for beside in conditions:
            say(f"round {number + 1} of {call.rounds}, {beside}")
            count = 0 if beside == QUIET else call.beside
            with endless_loops(count, NICENESS.get(beside, 0)):
                for case in cases:
                    if case.beside == beside:
                        case.run(tokens, call, memory)
    return cases


def compared(cases: list[Case]) -> Json:
    """Return the ratios of cases that were measured in the same rounds.

    ``beside``: each condition over quiet, the same threads.  ``against_one_thread``: several
    threads over one, the same condition.  ``trees``: each checkout over the first.
    """
    found: Json = {"beside": [], "against_one_thread": [], "trees": []}
    named = {(case.tree, case.threads, case.beside): case for case in cases}
    for (tree, threads, beside), case in named.items():
        label = {"tree": str(tree), "threads": threads}
        if beside != QUIET:
            under = both(case, named[tree, threads, QUIET])
            found["beside"].append(label | {f"{beside}_ratio": under})
        if threads > 1 and (tree, 1, beside) in named:
            under = both(case, named[tree, 1, beside])
            found["against_one_thread"].append(label | {"beside": beside} | under)
        if tree != cases[0].tree:
            under = both(case, named[cases[0].tree, threads, beside])
            found["trees"].append(label | {"beside": beside} | under)
    return {name: rows for name, rows in found.items() if rows}


def both(case: Case, base: Case) -> Json:
    """Return a case's speeds over another's, round by round."""
    return {
        "prefill": ratios(case.prefill, base.prefill),
        "decode": ratios(case.decode, base.decode),
    }


def report(call: argparse.Namespace, cases: list[Case], host: Json) -> Json:
    """Print the figures for people and return them."""
    known = cases[0].worker.described
    peaks = {threads: dot_peak(known["path"], threads) for threads in call.threads}
    runs = [case.figures(call.prompt, peaks) for case in cases]
    whole = {
        "benchmark": "decode",
        "host": host,
        "model": known["name"],
        "path": known["path"],
        "prompt": call.prompt,
        "decode": call.decode,
        "rounds": call.rounds,
        "weight_bytes_per_token": known["weight_bytes"],
        "file_bytes_per_token": known["file_bytes"],
        "weight_bytes_ratio": known["weight_bytes"] / known["file_bytes"],
        "runs": runs,
        **compared(cases),
    }
    print("\n".join(table(whole)))
    return whole


def table(whole: Json) -> list[str]:
    """Return the lines for people."""
    lines = [
        f"{whole['model']}, path {whole['path']}: prompt of {whole['prompt']} tokens, then "
        f"{whole['decode']} decoded; median (min – max) of {whole['rounds']} rounds",
        f"a token reads {whole['weight_bytes_per_token'] / 1e6:,.1f} MB of weights, "
        f"{whole['weight_bytes_ratio']:.3f} × the file's",
        "",
        f"{'threads':>7} {'beside':>7} {'prefill tokens/s':>25} {'decode tokens/s':>24} "
        f"{'ms a token p50 p95 p99':>23} {'of bandwidth':>19} {'GMAC/s a core':>20}",
    ]
    lines += [row(one) + tree_of(one, whole) for one in whole["runs"]]
    for one in whole.get("beside", []):
        for name in (f"{NICE_19}_ratio", f"{NICE_0}_ratio"):
            if name in one:
                label = f"{one['threads']} thread(s), {name}{tree_of(one, whole)}"
                lines.append(ratio_line(label, one[name]))
    for one in whole.get("against_one_thread", []):
        label = f"{one['threads']} threads ÷ 1, {one['beside']}{tree_of(one, whole)}"
        lines.append(ratio_line(label, one))
    for one in whole.get("trees", []):
        name = f"{one['tree']} ÷ first, {one['threads']} thread(s), {one['beside']}"
        lines.append(ratio_line(name, one))
    return lines


def row(one: Json) -> str:
    """Return a run's line."""

    def spelt(name: str, form: str) -> str:
        low, middle, high = (format(one[name][key], form) for key in ("min", "median", "max"))
        return f"{middle} ({low} – {high})"

    token = one["token_ms"]
    limit = one["bandwidth_bytes_per_second"]["median"] / 1e9
    peak = one["peak_gmac_per_second_per_core"]
    return (
        f"{one['threads']:7} {one['beside']:>7} {spelt('prefill_tokens_per_second', ',.1f'):>25} "
        f"{spelt('decode_tokens_per_second', ',.1f'):>24} "
        f"{token['p50']:9.2f} {token['p95']:6.2f} {token['p99']:6.2f} "
        f"{one['bandwidth_share']['median']:5.0%} of {limit:4.1f} GB/s "
        f"{one['gmac_per_second_per_core']['median']:8.1f} "
        + (f"{one['arithmetic_share']:4.0%} of {peak:.0f}" if peak else "(no peak measured)")
    )


def tree_of(one: Json, whole: Json) -> str:
    """Return the end of a line: whose it is, where several checkouts were measured."""
    several = len({each["tree"] for each in whole["runs"]}) > 1
    return f"  {one['tree'][-30:]}" if several else ""


def ratio_line(name: str, one: Json) -> str:
    """Return a line for two ratios."""
    parts = [
        f"{what} {one[what]['median']:.3f} ({one[what]['min']:.3f} – {one[what]['max']:.3f})"
        for what in ("prefill", "decode")
    ]
    return f"{name}: {', '.join(parts)}"


def random_model(name: str, folder: Path) -> Path:
    """Write one of the models of random weights."""
    from scripts.bench.random_models import SHAPES, write_random

    say(f"writing {name}")
    return write_random(folder / f"{name}.gguf", SHAPES[name])


def say(text: str) -> None:
    """Report progress, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Return the call."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model",
        default="spark-nano",
        help="name, folder, GGUF file, or a random one: " + ", ".join(RANDOM_MODELS),
    )
    parser.add_argument("--prompt", type=int, default=512, help="tokens (512)")
    parser.add_argument("--decode", type=int, default=64, help="tokens behind it (64)")
    parser.add_argument("--threads", type=int, nargs="+", default=[cores], help="all cores")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--beside", type=int, default=0, help="endless loops beside it")
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="longest decode of a round (20)"
    )
    parser.add_argument("--tree", type=Path, action="append", help="a checkout; may be repeated")
    call = parser.parse_args(arguments)
    if min(call.prompt, call.decode, call.rounds, *call.threads) < 1 or call.beside < 0:
        parser.error("--prompt, --decode, --rounds and --threads take 1 or more")
    if call.beside and 1 not in call.threads:
        call.threads = [*call.threads, 1]
    call.tree = [tree.resolve() for tree in call.tree or [ROOT]]
    return call


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    call = parsed(arguments)
    ended_in_order()
    host = {"cpus": os.cpu_count(), "load_before": round(os.getloadavg()[0], 2)}
    with ExitStack() as stack:
        if call.model in RANDOM_MODELS:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="spark-bench.")))
            call.model = str(random_model(call.model, folder))
        try:
            cases = measure(call, stack)
        except WorkerDied as death:
            raise SystemExit(str(death)) from None
        print(json.dumps(rounded(report(call, cases, host))))


if __name__ == "__main__":
    main()
