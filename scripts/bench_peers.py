"""Compare with llama.cpp on the same files: prefill and decode, round by round in turn.

    .venv/bin/python scripts/bench_peers.py --model FILE.gguf --model spark-nano --paths vnni,avx2

The peer is llama-cpp-python, built from source into `.peers/` for the features that each kernel
path of ours uses (some minutes each), or the one that ``--peer-python`` names.  Of the builds for
this very processor and without AMX the faster one counts; that one died of an illegal instruction
is said in the JSON.

Both get the same tokens and threads, each in a process of its own that keeps the model open:
a prompt of real code from an empty context, then greedy tokens behind it.  The peer maps the file,
takes batches of 512 and flash attention as the library decides or switched on, whichever is faster
in the warm-up.  A report, then one JSON object as the last line; ratios are ours ÷ the peer's, so
more than 1 is faster.  Host time.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from scripts.bench.code_text import prompt_tokens  # noqa: E402
from scripts.bench.peer_builds import BUILDS, FOR_PATHS, VERSION, built  # noqa: E402
from scripts.bench.spread import ratios, rounded, spread  # noqa: E402
from scripts.bench.workers import Worker, WorkerDied, ended_in_order, engine_worker  # noqa: E402

PEER_WORKER = ROOT / "scripts" / "bench" / "peer_worker.py"
FLASH = ("default", "on")
WARM_UP = 8
"""Tokens decoded before anything counts."""
LEAST_SECONDS = 1.0
"""Each engine is measured for as long in a round, small models many times: 64 tokens of one take
30 ms, and a single hiccup of the computer as long."""

Json = dict[str, Any]


# ── the peer ────────────────────────────────────────────────────────────────────────────────


@dataclass
class OpenPeer:
    """A peer that runs, and what did not."""

    worker: Worker
    build: str
    died: list[Json]
    """Builds that an illegal instruction ended."""
    flash: str = ""
    warm_up: Json = field(default_factory=dict)
    """Seconds of prefill and of a token by kind of flash attention."""

    def choose_flash(self, tokens: list[int]) -> None:
        """Take the kind of flash attention that is faster."""
        for kind in FLASH * 2:  # the second time counts: then all is in place
            done = self.worker.ask("measure", tokens=tokens, decode=WARM_UP, seconds=60, flash=kind)
            token = sum(done["token_seconds"]) / len(done["token_seconds"])
            self.warm_up[kind] = {
                "prefill_seconds": done["prefill_seconds"],
                "token_seconds": token,
            }
        self.flash = min(FLASH, key=lambda kind: sum(self.warm_up[kind].values()))

    def described(self) -> Json:
        """Return what the figures stand for."""
        known = self.worker.described
        return {
            "version": known["version"],
            "build": self.build,
            "features": known["features"],
            "illegal_instruction": self.died,
            "flash_attention": self.flash,
            "warm_up": self.warm_up,
        }

    def seconds(self, decode: int) -> float:
        """Return what the prompt and so many tokens took while warming up."""
        warm = self.warm_up[self.flash]
        return float(warm["prefill_seconds"] + decode * warm["token_seconds"])


def open_peer(
    pythons: list[tuple[str, Path]], job: Json, tokens: list[int], decode: int
) -> OpenPeer:
    """Return the build that runs a model fastest; each is tried in a child of its own.

    A build for the very processor is not always it: see `engine/wafer/README.md`.

    Raises:
        SystemExit: None runs it.
        WorkerDied: One ended of something else than an illegal instruction.
    """
    died: list[Json] = []
    best: OpenPeer | None = None
    for peer in running(pythons, job, tokens, died):
        slower = peer
        if best is None or peer.seconds(decode) < best.seconds(decode):
            slower, best = best, peer
        if slower is not None:
            slower.worker.close()
    if best is None:
        raise SystemExit("no build of the peer runs here: all died of an illegal instruction")
    return best


def running(
    pythons: list[tuple[str, Path]], job: Json, tokens: list[int], died: list[Json]
) -> Iterator[OpenPeer]:
    """Yield the builds that run a model, warmed up; note those that died."""
    for build, python in pythons:
        worker = None
        try:
            worker = peer_worker(build, python, job)
            peer = OpenPeer(worker, build, died)
            peer.choose_flash(tokens)
        except WorkerDied as death:
            if worker is not None:
                worker.close()
            if death.signal != "SIGILL":
                raise
            say(f"the peer's build {build} died of an illegal instruction")
            died.append({"build": build, "signal": death.signal})
        else:
            yield peer


def peer_worker(build: str, python: Path, job: Json) -> Worker:
    """Start a child of a build."""
    command = [str(python), str(PEER_WORKER), json.dumps(job)]
    return Worker(f"the peer ({build}) with {job['model']}", command, {"PYTHONPATH": None})


def pythons_for(path: str, call: argparse.Namespace) -> list[tuple[str, Path]]:
    """Return the builds for a kernel path with their Pythons, the preferred one first."""
    for given in call.peer_python:
        name, equals, place = given.rpartition("=")
        if not equals or name == path:
            return [(f"given: {place}", Path(place))]
    return [(name, built(BUILDS[name], say)) for name in FOR_PATHS[path]]


# ── a pair ──────────────────────────────────────────────────────────────────────────────────


@dataclass
class Pair:
    """Both engines with a model open; a figure a round."""

    ours: Worker
    peer: OpenPeer
    call: argparse.Namespace
    tokens: list[int]
    speeds: dict[str, dict[str, list[float]]] = field(
        default_factory=lambda: {who: {"prefill": [], "decode": []} for who in ("ours", "peer")}
    )

    def run(self) -> None:
        """Measure a round: ours, then the peer."""
        asked = {"tokens": self.tokens, "decode": self.call.decode, "seconds": self.call.seconds}
        self._measure("ours", lambda: self.ours.ask("measure", **asked))
        more = {"flash": self.peer.flash}
        self._measure("peer", lambda: self.peer.worker.ask("measure", **asked, **more))

    def _measure(self, who: str, ask: Callable[[], Json]) -> None:
        """Measure one engine for a while, and note its speeds over all of that."""
        prefilled = decoded = 0
        prefill = decode = 0.0
        while prefill + decode < LEAST_SECONDS:
            done = ask()
            prefilled, prefill = prefilled + len(self.tokens), prefill + done["prefill_seconds"]
            times = done["token_seconds"]
            decoded, decode = decoded + len(times), decode + sum(times)
        self.speeds[who]["prefill"].append(prefilled / prefill)
        self.speeds[who]["decode"].append(decoded / decode)

    def last(self) -> str:
        """Return the last round in words."""
        return ", ".join(
            f"{what} {self.speeds['ours'][what][-1]:,.1f} : {self.speeds['peer'][what][-1]:,.1f}"
            for what in ("prefill", "decode")
        )

    def figures(self, path: str, file: Path) -> Json:
        """Return what the rounds gave."""
        known = self.ours.described
        return {
            "model": known["name"],
            "file_bytes": file.stat().st_size,
            "asked_path": path,
            "path": known["path"],
            "threads": self.call.threads,
            "ours": speeds(self.speeds["ours"]) | {"open_seconds": known["open_seconds"]},
            "peer": speeds(self.speeds["peer"]) | self.peer.described(),
            "prefill_ratio": self._ratio("prefill"),
            "decode_ratio": self._ratio("decode"),
        }

    def _ratio(self, what: str) -> Json:
        return ratios(self.speeds["ours"][what], self.speeds["peer"][what])


def speeds(rounds: dict[str, list[float]]) -> Json:
    """Return the spread of an engine's rounds."""
    return {f"{what}_tokens_per_second": spread(values) for what, values in rounds.items()}


def compare(file: Path, path: str, call: argparse.Namespace) -> Json:
    """Compare on one file and one kernel path.

    Raises:
        SystemExit: The engine takes another path than the one asked for.
    """
    pythons = pythons_for(path, call)
    say(f"opening {file.name} for {path}")
    with engine_worker(str(file), call.threads, kernels=None if path == "best" else path) as ours:
        taken = ours.described["path"]
        if path != "best" and taken not in (path, f"avx512-{path}"):
            raise SystemExit(f"asked for the path {path}, the engine took {taken}")
        tokens = prompt_tokens(ours, call.prompt, call.decode)
        job = {
            "model": str(file),
            "threads": call.threads,
            "context": call.prompt + max(call.decode, WARM_UP) + 1,
        }
        peer = open_peer(pythons, job, tokens, call.decode)
        with peer.worker:
            ours.ask("measure", tokens=tokens, decode=WARM_UP, seconds=60)
            pair = Pair(ours, peer, call, tokens)
            for number in range(call.rounds):
                pair.run()
                say(f"  round {number + 1} of {call.rounds}: {pair.last()}")
            return pair.figures(path, file)


# ── models ──────────────────────────────────────────────────────────────────────────────────


def gguf_of(name: str, folder: Path) -> Path:
    """Return a model's GGUF file: its own, or one written into ``folder``.

    Args:
        name: A GGUF file, a name or folder of a model of the Llama family, or one of
            `random_models.SHAPES`.
        folder: For what has to be written.
    """
    from scripts.bench.random_models import SHAPES, write_random

    target = folder / f"{Path(name).stem}.gguf"
    if name in SHAPES:
        say(f"writing {name}")
        return write_random(target, SHAPES[name])
    from engine.model_store.lookup import find_model

    place = find_model(name)
    if place.is_dir():
        from scripts import export_gguf

        say(f"writing {name} as a GGUF file")
        export_gguf.write(place, target)
        return target
    return place


# ── the report ──────────────────────────────────────────────────────────────────────────────


def table(found: list[Json], call: argparse.Namespace) -> list[str]:
    """Return the lines for people."""
    lines = [
        f"prompt of {call.prompt} tokens, then {call.decode} decoded, {call.threads} thread(s); "
        f"median (min – max) of {call.rounds} rounds; tokens a second",
        f"{'model':22} {'path':11} {'peer':8} {'prefill ours':>12} {'peer':>7} {'ratio':>20} "
        f"{'decode ours':>11} {'peer':>7} {'ratio':>20}",
    ]
    for one in found:
        cells = []
        for what in ("prefill", "decode"):
            ours, peer = (
                one[who][f"{what}_tokens_per_second"]["median"] for who in ("ours", "peer")
            )
            ratio = one[f"{what}_ratio"]
            cells.append(
                f"{ours:{12 if what == 'prefill' else 11},.1f} {peer:7,.1f} "
                f"{ratio['median']:6.3f} ({ratio['min']:.3f} – {ratio['max']:.3f})"
            )
        build = one["peer"]["build"].partition(":")[0]
        lines.append(f"{one['model'][:22]:22} {one['path']:11} {build:8} {' '.join(cells)}")
    lines += [
        f"{one['model']}, {one['path']}: the peer's build {death['build']} died of an illegal "
        f"instruction; compared with {one['peer']['build']}"
        for one in found
        for death in one["peer"]["illegal_instruction"]
    ]
    return lines


def say(text: str) -> None:
    """Report progress, apart from the figures."""
    print(text, file=sys.stderr, flush=True)


def parsed(arguments: list[str] | None) -> argparse.Namespace:
    """Return the call."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--model", action="append", default=[],
        help="GGUF file, model name or folder, or random-17m, random-90m, random-390m; repeat it",
    )  # fmt: skip
    parser.add_argument(
        "--paths", default="best",
        help=f"kernel paths, commas between: {', '.join(FOR_PATHS)} (best: ours as it is)",
    )  # fmt: skip
    parser.add_argument(
        "--peer-python", action="append", default=[], metavar="[PATH=]PYTHON",
        help="a Python that has llama-cpp-python, for one kernel path or for all: nothing is built",
    )  # fmt: skip
    parser.add_argument("--prompt", type=int, default=512, help="tokens (512)")
    parser.add_argument("--decode", type=int, default=64, help="tokens behind it (64)")
    parser.add_argument("--threads", type=int, default=cores, help="all cores")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument(
        "--seconds", type=float, default=20.0, help="longest decode of a round (20)"
    )
    call = parser.parse_args(arguments)
    call.paths = call.paths.split(",")
    if unknown := [path for path in call.paths if path not in FOR_PATHS]:
        parser.error(f"no path {unknown[0]!r}; there are {', '.join(FOR_PATHS)}")
    if min(call.prompt, call.decode, call.rounds, call.threads) < 1:
        parser.error("--prompt, --decode, --rounds and --threads take 1 or more")
    call.model = call.model or ["spark-nano", "random-17m", "random-90m", "random-390m"]
    return call


def main(arguments: list[str] | None = None) -> None:
    """Compare all models on all paths and print."""
    call = parsed(arguments)
    ended_in_order()
    load = round(os.getloadavg()[0], 2)
    with tempfile.TemporaryDirectory(prefix="spark-bench.") as folder:
        files = [gguf_of(name, Path(folder)) for name in call.model]
        try:
            found = [compare(file, path, call) for path in call.paths for file in files]
        except WorkerDied as death:
            raise SystemExit(str(death)) from None
    print("\n".join(table(found, call)))
    print(json.dumps(rounded({
        "benchmark": "peers",
        "host": {"cpus": os.cpu_count(), "load_before": load},
        "peer": f"llama-cpp-python, {VERSION} where built here",
        "prompt": call.prompt,
        "decode": call.decode,
        "rounds": call.rounds,
        "models": found,
    })))  # fmt: skip


if __name__ == "__main__":
    main()
