"""Measures what a second worker brings to a sweep: the same plans with one process and with two.

    .venv/bin/python scripts/bench_sweep.py [--plans 1000] [--rounds 3]

Host time counts from the first answer on, so that the start of the processes is left out; medians
of rounds in turn.  All runs must write the same bytes.  Takes a minute and a half on two cores of
its own.  The last line is JSON.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from statistics import median
from time import process_time

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import engine  # noqa: E402  from this checkout
from engine.sweep.grid import Point  # noqa: E402

MODEL = {
    "model_type": "llama",
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "vocab_size": 256,
    "max_position_embeddings": 4096,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10_000.0,
    "tie_word_embeddings": True,
}
"""A Llama so small that a plan of it takes less than a tenth of a second."""
BLOCKS = ("8x8", "4x4")


def grid(folder: Path, plans: int) -> Path:
    """Write a grid of so many plans: of one small model in given blocks, for many contexts."""
    (folder / "small.json").write_text(json.dumps(MODEL))
    file = folder / "grid.toml"
    contexts = list(range(1, -(-plans // len(BLOCKS)) + 1))
    lists = {"models": ["small.json"], "machines": ["tiny"], "contexts": contexts}
    lists |= {"dtypes": ["int8"], "placements": [*BLOCKS]}
    file.write_text("".join(f"{name} = {json.dumps(each)}\n" for name, each in lists.items()))
    return file


@dataclass(frozen=True)
class Run:
    """One sweep of all plans."""

    seconds: float
    """Host time from the first answer on."""
    written: bytes


def run(points: Sequence[Point], workers: int, folder: Path) -> Run:
    """Sweep with so many processes, and tell how it went."""
    began, out = process_time(), folder / "out.jsonl"
    report = engine.run_sweep(points, out, engine.choose_workers(workers))
    written = out.read_bytes()
    out.unlink()  # else the next one would have nothing to compute
    print(
        f"{workers} workers: {len(points)} plans in {report.seconds:.1f} s, "
        f"{report.failed} without an answer; {process_time() - began:.1f} s here",
        flush=True,
    )
    return Run(report.seconds, written)


def main() -> int:
    """Measure; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--plans", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    runs: dict[int, list[Run]] = {1: [], 2: []}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        points = engine.read_grid(grid(folder, options.plans))[: options.plans]
        for _ in range(options.rounds):
            for count, found in runs.items():
                found.append(run(points, count, folder))
    seconds = {count: median(each.seconds for each in found) for count, found in runs.items()}
    same = len({each.written for found in runs.values() for each in found}) == 1
    ratio = seconds[1] / seconds[2]
    peak_mb = getrusage(RUSAGE_CHILDREN).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(f"two workers are {ratio:.2f} × one; the files are {'' if same else 'not '}the same")
    print(f"the largest worker took {peak_mb:.0f} MB")
    figures = {"plans": len(points), "seconds": seconds, "ratio": ratio, "peak_mb": peak_mb}
    print(json.dumps({**figures, "same": same}))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
