"""Measures what a second worker brings to a sweep: the same plans with one process and with two.

    .venv/bin/python scripts/bench_sweep.py [--plans 1000]

Host time counts from the first
answer on, so that the start of the processes is left out.  Both runs must write the same bytes.
The last line is JSON.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path
from time import process_time

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

import engine  # noqa: E402  from this checkout

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


def main() -> int:
    """Measure; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--plans", type=int, default=1000)
    options = parser.parse_args()
    seconds: dict[int, float] = {}
    written: dict[int, bytes] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        points = engine.read_grid(grid(folder, options.plans))[: options.plans]
        for count in (1, 2):
            began, out = process_time(), folder / f"{count}.jsonl"
            report = engine.run_sweep(points, out, engine.choose_workers(count))
            seconds[count], written[count] = report.seconds, out.read_bytes()
            print(
                f"{count} workers: {len(points)} plans in {report.seconds:.1f} s, "
                f"{report.failed} without an answer; {process_time() - began:.1f} s here"
            )
    ratio, same = seconds[1] / seconds[2], written[1] == written[2]
    print(f"two workers are {ratio:.2f} × one; the files are {'' if same else 'not '}the same")
    print(json.dumps({"plans": len(points), "seconds": seconds, "ratio": ratio, "same": same}))
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
