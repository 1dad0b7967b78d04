"""Measure the fast tier: prefill and decode in tokens per second, warm opening in seconds.

Measures the bundled model and a model of random weights, on 1 and 2 threads.  With several
``--tree`` it measures other checkouts of this repository in turn, round by round, so that whatever
else the computer does meets all of them alike.  Prints a table, then one JSON object as the last
line.  All times are host time; the best round counts.

Each measurement is a process of its own.  Of a tree it knows only ``engine.Session`` and
``engine.CompletionRequest``.
"""

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parent.parent
BUNDLED = ROOT / "weights" / "spark-nano"
SHAPE = "768,12,12,4,2048"

DRIVER = """
import json, sys, time
began = time.perf_counter()
from engine import CompletionRequest, Session
job = json.loads(sys.argv[1])
session = Session.open(job["model"], threads=job["threads"])
opened = time.perf_counter() - began
rows = prefill = steps = decode = seed = 0
for prefix in job["prefixes"]:
    wanted, tries = steps + job["steps"], 0
    while steps < wanted and tries < job["steps"]:
        seed, tries = seed + 1, tries + 1
        done = session.complete(CompletionRequest(
            path="bench.py", prefix=prefix, suffix="", max_tokens=64, temperature=1.5, seed=seed,
        ))
        if done.cached_tokens < 64:  # else the KV cache still held the prompt
            rows += done.prompt_tokens - done.cached_tokens
            prefill += done.host.prefill_ms / 1e3
        if done.host.tokens_per_second:
            seconds = done.host.decode_ms / 1e3
            steps += round(done.host.tokens_per_second * seconds)
            decode += seconds
print(json.dumps({
    "open_seconds": opened, "prefill": rows / prefill, "decode": steps / decode,
    "path": session.processor_path,
}))
"""


@dataclass(frozen=True, slots=True)
class Speed:
    """One tree, model and number of threads: the best of all rounds."""

    tree: str
    model: str
    threads: int
    path: str
    """Kernel path."""
    open_seconds: float
    """From the start of the import until the session is open, everything cached."""
    prefill_tokens_per_second: float
    decode_tokens_per_second: float


def random_model(folder: Path, shape: str) -> Path:
    """Write a model of random weights with the bundled model's vocabulary.

    Args:
        folder: Where; made here.
        shape: Hidden size, layers, heads, KV heads, feed-forward size, with commas between.
    """
    hidden, layers, heads, kv_heads, ffn = (int(part) for part in shape.split(","))
    config = json.loads((BUNDLED / "config.json").read_text(encoding="utf-8"))
    config |= {
        "hidden_size": hidden, "num_hidden_layers": layers, "num_attention_heads": heads,
        "num_key_value_heads": kv_heads, "head_dim": hidden // heads, "intermediate_size": ffn,
    }  # fmt: skip
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    shutil.copy(BUNDLED / "tokenizer.json", folder)
    save_file(random_tensors(config), folder / "model.safetensors")
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    (folder / "checksums.json").write_text(json.dumps({"files": sums}), encoding="utf-8")
    return folder


def random_tensors(config: dict[str, int]) -> dict[str, np.ndarray]:
    """Return random fp16 weights by their Hugging Face names; embedding and head share theirs."""
    hidden, ffn, dim = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    queries, keys = config["num_attention_heads"] * dim, config["num_key_value_heads"] * dim
    products = {
        "self_attn.q_proj": (queries, hidden),
        "self_attn.k_proj": (keys, hidden),
        "self_attn.v_proj": (keys, hidden),
        "self_attn.o_proj": (hidden, queries),
        "mlp.gate_proj": (ffn, hidden),
        "mlp.up_proj": (ffn, hidden),
        "mlp.down_proj": (hidden, ffn),
    }
    shapes = {"model.embed_tokens.weight": (config["vocab_size"], hidden)}
    norms = ["model.norm.weight"]
    for layer in range(config["num_hidden_layers"]):
        prefix = f"model.layers.{layer}"
        shapes |= {f"{prefix}.{name}.weight": shape for name, shape in products.items()}
        norms += [f"{prefix}.{name}_layernorm.weight" for name in ("input", "post_attention")]
    random = np.random.default_rng(0)
    tensors = {
        name: (random.standard_normal(shape, np.float32) / np.sqrt(shape[1])).astype(np.float16)
        for name, shape in shapes.items()
    }
    return tensors | {name: np.ones(hidden, np.float16) for name in norms}


def prefixes(count: int) -> list[str]:
    """Return texts that begin differently, so that none of them finds its prompt cached."""
    text = Path(__file__).read_text(encoding="utf-8")
    return [f"# text {number}\n{text[800 * number :][:1200]}" for number in range(count)]


def measure(tree: Path, model: Path, threads: int, steps: int) -> dict[str, float]:
    """Measure once, in a process of its own, the code of a tree."""
    job = {"model": str(model), "threads": threads, "prefixes": prefixes(2), "steps": steps}
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, json.dumps(job)],
        cwd=tree,
        env=os.environ | {"PYTHONPATH": str(tree)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def best(name: str, tree: Path, threads: int, rounds: list[dict[str, float]]) -> Speed:
    """Return the best of a measurement's rounds."""
    return Speed(
        tree=str(tree),
        model=name,
        threads=threads,
        path=str(rounds[0]["path"]),
        open_seconds=round(min(each["open_seconds"] for each in rounds), 3),
        prefill_tokens_per_second=round(max(each["prefill"] for each in rounds), 1),
        decode_tokens_per_second=round(max(each["decode"] for each in rounds), 1),
    )


def table(speeds: list[Speed]) -> str:
    """Return the figures for a person; a ratio compares with the first tree."""
    lines = [
        f"{'model':14} {'threads':>7} {'tree':30} {'open':>8} {'prefill':>11} {'decode':>11}"
        "   ratio of prefill, decode"
    ]
    first: dict[tuple[str, int], Speed] = {}
    for one in speeds:
        base = first.setdefault((one.model, one.threads), one)
        prefill = one.prefill_tokens_per_second / base.prefill_tokens_per_second
        decode = one.decode_tokens_per_second / base.decode_tokens_per_second
        lines.append(
            f"{one.model:14} {one.threads:7} {one.tree[-30:]:30} {one.open_seconds:6.2f} s "
            f"{one.prefill_tokens_per_second:7,.0f} t/s {one.decode_tokens_per_second:7,.0f} t/s"
            + (f"   {prefill:.3f}, {decode:.3f}" if one is not base else "")
        )
    busy = os.getloadavg()[0]
    lines.append(f"Best of each measurement's rounds; load average at the end {busy:.1f}.")
    return "\n".join(lines)


def measure_all(
    trees: list[Path], models: dict[str, Path], threads: list[int], rounds: int, steps: int
) -> list[Speed]:
    """Measure everything ``rounds`` times in turn, after a round that fills the caches."""
    # Trees vary fastest: what is compared is measured in succession.
    cases = [(name, count, tree) for name in models for count in threads for tree in trees]
    for name, count, tree in cases:
        measure(tree, models[name], count, steps=1)
    found: dict[tuple[str, int, Path], list[dict[str, float]]] = {case: [] for case in cases}
    for _ in range(rounds):
        for name, count, tree in cases:
            found[name, count, tree].append(measure(tree, models[name], count, steps))
    return [best(name, tree, count, each) for (name, count, tree), each in found.items()]


def main() -> None:
    """Measure all trees and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--tree", type=Path, action="append", help="checkout to measure; may be repeated"
    )
    parser.add_argument(
        "--shape", default=SHAPE,
        help=f"of the random model: hidden, layers, heads, KV heads, feed-forward ({SHAPE})",
    )  # fmt: skip
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--rounds", type=int, default=3, help="the best one counts")
    parser.add_argument("--steps", type=int, default=64, help="decode steps of a text, at least")
    options = parser.parse_args()
    trees = [tree.resolve() for tree in options.tree or [ROOT]]
    with tempfile.TemporaryDirectory(prefix="spark-bench.") as name:
        models = {
            "spark-nano": BUNDLED,
            "random": random_model(Path(name) / "random", options.shape),
        }
        speeds = measure_all(trees, models, options.threads, options.rounds, options.steps)
    print(table(speeds))
    print(json.dumps({
        "host": {"cpus": os.cpu_count(), "load": round(os.getloadavg()[0], 2)},
        "random_shape": options.shape,
        "speeds": [asdict(one) for one in speeds],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
