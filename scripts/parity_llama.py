"""Compares this engine with llama.cpp on a GGUF file: logits on real code, and greedy text.

    .venv/bin/python scripts/parity_llama.py MODEL.gguf --peer-python /path/to/python [--text DIR]

The peer's Python has llama-cpp-python; this one has the engine.  Both read the same token ids, so
vocabularies play no part.  Prints a table, then one JSON object as the last line:

- top-1 agreement, mean KL divergence (peer ‖ ours, nats), bits per byte of both over the positions;
- with --exact also the peer on the same weights as fp32, where it rounds no activation: how far
  each of the two is from it tells whose rounding a difference is;
- greedy continuations: how many are equal, and at every first difference the peer's own gap between
  its two best tokens: a small one says that the peer itself was in doubt.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

PROMPT = 48
"""Tokens of a greedy prompt."""
STEP = 64
"""Rows that this engine takes at once."""

Logits = NDArray[np.float32]


# ── the peer's side, run by another Python: no module of ours ───────────────────────────────


def peer(job: dict[str, Any]) -> None:
    """Answer a job with llama.cpp: logits of all windows to a file, greedy tokens with gaps."""
    import llama_cpp

    if job["as_fp32"]:
        parameters = llama_cpp.llama_model_quantize_default_params()
        parameters.ftype, parameters.allow_requantize = 0, True
        place = f"{job['logits']}.gguf"
        if llama_cpp.llama_model_quantize(job["model"].encode(), place.encode(), parameters):
            raise SystemExit("llama.cpp cannot write the model as fp32")
        job["model"] = place
    model = llama_cpp.Llama(
        job["model"], n_ctx=job["context"], n_batch=512, n_threads=job["threads"], logits_all=True,
        verbose=False,
    )  # fmt: skip
    with open(job["logits"], "wb") as file:
        for window in job["windows"]:
            model.reset()
            model.eval(window)
            file.write(np.array(model.scores[: len(window)], "<f4").tobytes())
    greedy = [peer_greedy(model, prompt, job["length"]) for prompt in job["prompts"]]
    Path(job["answer"]).write_text(json.dumps(greedy))


def peer_greedy(model: Any, prompt: list[int], length: int) -> dict[str, list[float]]:
    """Return the likeliest tokens after a prompt, and each one's lead over the second, in nats."""
    model.reset()
    model.eval(prompt)
    tokens, gaps = [], []
    for _ in range(length):
        row = np.asarray(model.scores[model.n_tokens - 1])
        second, best = np.argpartition(row, -2)[-2:]
        if row[second] > row[best]:
            second, best = best, second
        tokens.append(int(best))
        gaps.append(float(row[best] - row[second]))
        model.eval([int(best)])
    return {"tokens": tokens, "gaps": gaps}


# ── this engine's side ──────────────────────────────────────────────────────────────────────


class Ours:
    """A model on the fast tier, from an empty context each time."""

    def __init__(self, path: str, file: Path, threads: int) -> None:
        from engine.model.load import load_model
        from engine.model_store.lookup import find_model
        from engine.tokenizer import Tokenizer
        from engine.wafer.plan.placed import open_placed
        from engine.wafer.program import machine
        from engine.wafer.tiers import find_tier

        place = find_model(path)
        model = load_model(place)
        self.tokenizer = Tokenizer.load(place)
        self.first = first_tokens(file)
        placed = open_placed(model.graph, machine.get("wse3"), formats=model.formats)
        self.runner = find_tier("fast")(
            placed, model.tensors, threads=threads, on_progress=lambda *step: None
        )

    def logits(self, tokens: list[int]) -> Iterator[Logits]:
        """Yield the logits after each token."""
        self.runner.rewind(0)
        for token in tokens:
            yield self.runner.decode(token)

    def greedy(self, prompt: list[int], length: int) -> list[int]:
        """Return the likeliest tokens after a prompt."""
        self.runner.rewind(0)
        for first in range(0, len(prompt), STEP):
            row = self.runner.prefill(np.array(prompt[first : first + STEP], np.int32))
        tokens: list[int] = []
        while len(tokens) < length:
            tokens.append(int(row.argmax()))
            row = self.runner.decode(tokens[-1])
        return tokens


@dataclass
class Sums:
    """What is added up over positions."""

    positions: int = 0
    agreed: int = 0
    divergence: float = 0.0
    our_nats: float = 0.0
    peer_nats: float = 0.0

    def add(self, ours: Logits, peers: Logits, target: int) -> None:
        """Add one position, whose next token was ``target``."""
        mine, theirs = log_softmax(ours), log_softmax(peers)
        self.positions += 1
        self.agreed += int(ours.argmax() == peers.argmax())
        self.divergence += float((np.exp(theirs) * (theirs - mine)).sum())
        self.our_nats -= float(mine[target])
        self.peer_nats -= float(theirs[target])

    def figures(self, size: int) -> dict[str, float]:
        """Return the means; ``size`` is the text's in bytes."""
        bits = 1 / (size * np.log(2))
        return {
            "top_1_agreement": self.agreed / self.positions,
            "mean_kl_nats": self.divergence / self.positions,
            "bits_per_byte": self.our_nats * bits,
            "peer_bits_per_byte": self.peer_nats * bits,
            "bits_per_byte_ratio": self.our_nats / self.peer_nats,
        }


def log_softmax(row: Logits) -> NDArray[np.float64]:
    """Return natural log-probabilities in float64."""
    wide = row.astype(np.float64)
    shifted: NDArray[np.float64] = wide - wide.max()
    return shifted - np.log(np.exp(shifted).sum())


def compare_logits(
    ours: Ours, windows: list[list[int]], file: Path, exact: Path | None
) -> dict[str, Any]:
    """Compare all positions that have a next token with the peer's logits in files."""
    pair, ours_exact, peer_exact, size = Sums(), Sums(), Sums(), 0
    with file.open("rb") as stream, (exact or file).open("rb") as truth:
        for window in windows:
            rows = zip(ours.logits(window), [*window[1:], None], strict=True)
            for row, target in rows:
                peers = np.frombuffer(stream.read(4 * row.size), "<f4")
                right = np.frombuffer(truth.read(4 * row.size), "<f4")
                if target is not None:
                    pair.add(row, peers, target)
                    ours_exact.add(row, right, target)
                    peer_exact.add(peers, right, target)
            size += len(ours.tokenizer.decode(window[1:]).encode())
    figures = {"positions": pair.positions, **pair.figures(size)}
    if exact is not None:
        figures["exact"] = {"ours": ours_exact.figures(size), "peer": peer_exact.figures(size)}
    return figures


def compare_greedy(
    ours: Ours, prompts: list[list[int]], length: int, answers: list[dict[str, Any]]
) -> dict[str, Any]:
    """Compare continuations; collect the peer's gap at every first difference."""
    gaps = []
    for prompt, answer in zip(prompts, answers, strict=True):
        mine = ours.greedy(prompt, length)
        differ = [i for i, token in enumerate(answer["tokens"]) if token != mine[i]]
        if differ:
            gaps.append(answer["gaps"][differ[0]])
    return {
        "prompts": len(prompts),
        "tokens": length,
        "equal": len(prompts) - len(gaps),
        "peer_gaps_nats": sorted(gaps, reverse=True),
    }


def first_tokens(path: Path) -> list[int]:
    """Return the token that the file wants in front of every text, if any."""
    from engine.model.formats.gguf import read_gguf

    metadata = read_gguf(path).metadata
    if not metadata.get("tokenizer.ggml.add_bos_token", False):
        return []
    return [int(metadata["tokenizer.ggml.bos_token_id"])]


# ── the comparison ──────────────────────────────────────────────────────────────────────────


def cut(ours: Ours, folder: Path, count: int, length: int, random: Random) -> list[list[int]]:
    """Return pieces of Python files as token ids, each from the start of a line."""
    pieces: list[list[int]] = []
    files = sorted(folder.rglob("*.py"))
    random.shuffle(files)
    for file in files:
        lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
        if len(lines) < 20:
            continue
        start = random.randrange(len(lines) // 2)
        ids = ours.first + ours.tokenizer.encode_part("".join(lines[start:]))
        if len(ids) >= length:
            pieces.append(ids[:length])
        if len(pieces) == count:
            return pieces
    raise SystemExit(f"{folder}: only {len(pieces)} of {count} pieces of {length} tokens in it")


def main() -> None:
    """Run the comparison that the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--ours", help="the same model for this engine; default: the file itself")
    parser.add_argument("--peer-python", required=True)
    parser.add_argument("--text", type=Path, default=ROOT / "engine")
    parser.add_argument("--positions", type=int, default=2000)
    parser.add_argument("--window", type=int, default=250, help="tokens of each piece of code")
    parser.add_argument("--prompts", type=int, default=50)
    parser.add_argument("--length", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--exact", action="store_true", help="also the peer on fp32 weights")
    call = parser.parse_args()
    began = perf_counter()
    ours = Ours(call.ours or call.model, Path(call.model), call.threads)
    random = Random(call.seed)
    count = -(-call.positions // (call.window - 1))
    windows = cut(ours, call.text, count, call.window, random)
    prompts = cut(ours, call.text, call.prompts, PROMPT, random)
    with tempfile.TemporaryDirectory() as folder:
        job = {
            "context": max(call.window, PROMPT + call.length) + 8,
            "model": call.model, "threads": call.threads, "windows": windows, "prompts": prompts,
            "length": call.length, "logits": f"{folder}/logits", "answer": f"{folder}/answer",
            "as_fp32": False,
        }  # fmt: skip
        ask_peer(call, job)
        exact = Path(folder) / "exact" if call.exact else None
        if exact is not None:
            ask_peer(call, job | {"as_fp32": True, "prompts": [], "logits": str(exact),
                                  "answer": f"{folder}/none"})  # fmt: skip
        report = {"model": Path(call.model).name} | compare_logits(
            ours, windows, Path(job["logits"]), exact
        )
        answers = json.loads(Path(job["answer"]).read_text())
    report["greedy"] = compare_greedy(ours, prompts, call.length, answers)
    report["seconds"] = perf_counter() - began
    print_table(report)
    print(json.dumps(report))


def ask_peer(call: argparse.Namespace, job: dict[str, Any]) -> None:
    """Let the peer's Python answer a job."""
    command = [call.peer_python, __file__, "--peer"]
    subprocess.run(command, input=json.dumps(job), text=True, check=True)


def print_table(report: dict[str, Any]) -> None:
    """Print the figures for people."""
    greedy = report["greedy"]
    worst = max(greedy["peer_gaps_nats"], default=0.0)
    for name, figure in (
        ("positions", f"{report['positions']:,}"),
        ("top-1 agreement", f"{100 * report['top_1_agreement']:.2f} %"),
        ("mean KL", f"{report['mean_kl_nats']:.5f} nats"),
        ("bits per byte", f"{report['bits_per_byte']:.4f}"),
        ("peer's bits per byte", f"{report['peer_bits_per_byte']:.4f}"),
        ("greedy texts equal", f"{greedy['equal']} of {greedy['prompts']}"),
        ("largest peer's gap", f"{worst:.3f} nats at a first difference"),
    ):  # fmt: skip
        print(f"{name:22} {figure}")
    for who, figures in report.get("exact", {}).items():
        print(
            f"{who} against fp32: top-1 {100 * figures['top_1_agreement']:.2f} %,"
            f" KL {figures['mean_kl_nats']:.5f} nats, bits per byte {figures['bits_per_byte']:.4f}"
        )


if __name__ == "__main__":
    if sys.argv[1:] == ["--peer"]:
        peer(json.load(sys.stdin))
    else:
        main()
