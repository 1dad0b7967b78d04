"""Write the model card of a weights folder.

Every figure comes from the run's log, the manifest, or a measurement of the exported weights
made here; the text around them is all that is written by hand.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.train import settings
from scripts.train.export import checksums, write_whole

log = logging.getLogger(__name__)

QUESTIONS = {
    "rest of a line, `typed` order": ("rest", "typed", 200),
    "rest of a line, `spm` order": ("rest", "spm", 100),
    "rest of a line, `typed` order, no suffix": ("bare", "typed", 100),
    "whole line, cursor after the indentation, `typed` order": ("line", "typed", 100),
}
"""Name in the card: kind of question, order of the prompt, how many."""


def read_log(path: Path) -> dict[str, Any]:
    """Return what train.jsonl says of the run: options, end, and a thinned curve.

    Raises:
        ValueError: The run has not ended.
    """
    records = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    ends = [record for record in records if record.get("end")]
    if not ends:
        raise ValueError(f"{path} has no end record; finish the run with `train` first")
    starts = [record for record in records if "start" in record]
    curve = [record for record in records if "heldout" in record]
    return {
        "options": starts[-1]["start"],
        "parameters": starts[-1]["parameters"],
        "sessions": len(starts),
        "end": ends[-1],
        "curve": curve,
    }


def measure(folder: Path, work: Path, device: str) -> dict[str, Any]:
    """Measure the exported weights on held-out files; keep the result in WORK/evaluation.json.

    A result of the same weights is not measured again.
    """
    from scripts.train import evaluate, fim
    from scripts.train.pack import Encoder
    from scripts.train.tokenizer import load

    digest = checksums(folder)["files"]["model.safetensors"]
    path = work / "evaluation.json"
    if path.exists():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if known["sha256"] == digest:
            return known
    model = evaluate.load_weights(folder, device)
    encode = Encoder(load(folder / "tokenizer.json"))
    documents = evaluate.held_out_documents(work / "heldout.jsonl")
    windows = evaluate.loss_windows(documents, encode, 400)
    result: dict[str, Any] = {
        "sha256": digest,
        "loss": asdict(evaluate.measure_loss(model, windows, device)),
        "fim": {},
        "samples": {},
    }
    log.info("held-out loss: %s", result["loss"])
    for name, (kind, order, count) in QUESTIONS.items():
        cut = evaluate.line_after_indent if kind == "line" else fim.rest_of_line
        questions = evaluate.questions(documents, count, cut)
        if kind == "bare":
            questions = [evaluate.without_suffix(question) for question in questions]
        score, answers = evaluate.measure_fim(model, questions, encode, device, order)
        result["fim"][name] = asdict(score)
        result["samples"][name] = answers[:8]
        log.info("%s: %s", name, score)
    write_whole(path, (json.dumps(result, indent=1) + "\n").encode())
    return result


def data_summary(manifest: dict[str, Any], packed: dict[str, Any]) -> list[str]:
    """Return the card's lines about the data."""
    training = [source for source in manifest["sources"] if not source["held_out"]]
    held = [source for source in manifest["sources"] if source["held_out"]]
    licences: dict[str, list[str]] = defaultdict(list)
    for source in training:
        licences[source["licence"]].append(f"{source['package']} {source['version']}")
    rows = sum(part["tokens"] for part in packed.values())
    lines = [
        f"{sum(s['files'] for s in training):,} Python files, "
        f"{sum(s['bytes'] for s in training) / 1e6:.1f} MB, from the standard library and "
        f"{len(training) - 1} packages (`scripts/train/manifest.json` has versions, checksums "
        f"and counts). At most 10 MB of one package were packed, {rows / 1e6:.1f} M tokens in "
        "all, headers and repeated neighbour files included.",
        "",
        "| licence, as the package states it | packages |",
        "|---|---|",
    ]
    for licence, packages in sorted(licences.items(), key=lambda item: -len(item[1])):
        lines.append(f"| {licence} | {', '.join(packages)} |")
    names = ", ".join(
        "the standard library's asyncio" if s["package"] == "python" else s["package"] for s in held
    )
    lines += [
        "",
        f"Held out for ever, vendored copies included: {names} "
        f"({sum(s['files'] for s in held)} files, {sum(s['bytes'] for s in held) / 1e6:.1f} MB, "
        "without their tests).",
    ]
    return lines


def card(
    run_log: dict[str, Any],
    measured: dict[str, Any],
    manifest: dict[str, Any],
    packed: dict[str, Any],
    config: dict[str, Any],
    sums: dict[str, dict[str, str]],
) -> str:
    """Return the text of the model card."""
    end, options, loss = run_log["end"], run_log["options"], measured["loss"]
    seen = end["tokens"] / sum(part["tokens"] for part in packed.values())
    shape = (
        f"{config['num_hidden_layers']} layers, width {config['hidden_size']}, "
        f"{config['num_attention_heads']} heads of {config['head_dim']} with "
        f"{config['num_key_value_heads']} key/value heads, "
        f"SwiGLU of {config['intermediate_size']}, "
        f"vocabulary {config['vocab_size']:,}, {config['max_position_embeddings']:,} positions, "
        "head tied to the embedding"
    )
    lines = [
        "# spark-nano",
        "",
        f"A very small Python completion model: a plain Llama with {run_log['parameters']:,} "
        f"parameters ({shape}). Trained from nothing by `scripts/train`; no other model's weights "
        "or outputs went into it.",
        "",
        "It finishes lines and fills holes in Python files inside Spark's editor. It knows "
        "no facts, follows no instructions and speaks no language but Python.",
        "",
        "## Prompts",
        "",
        "- In the middle of a file: `<|fim_prefix|>` lines above, `<|fim_suffix|>` what "
        "follows the cursor, `<|fim_middle|>` what is typed of the cursor's line. Encode the "
        "parts apart; the answer ends with `<|endoftext|>`.",
        "- Also trained: the typed part left in the prefix, and "
        "`<|fim_prefix|><|fim_suffix|>S<|fim_middle|>P` with the answer right after P.",
        "- In front may stand `<|file_sep|>path\\n`, or `<|repo_name|>name\\n`, pieces of "
        "neighbouring files each after `<|file_sep|>path\\n`, then the same with the own path.",
        "",
        "## Training",
        "",
        f"{end['step']:,} steps, {end['tokens'] / 1e6:.2f} M tokens, {end['seconds'] / 60:.1f} "
        f"minutes, {end['tokens'] / end['seconds']:,.0f} tokens a second on average, on "
        f"`{options['device']}` (evaluations included, machine shared with other work). Muon "
        f"(rate {options['muon_lr']}) for the matrices of the layers, AdamW "
        f"({options['adam_lr']}) for the rest, batches of {options['batch_tokens']:,} tokens, "
        f"linear decay over the last {options['decay']:.0%}, weight {options['middle_weight']} on "
        f"the tokens of a middle. Seen: {seen:.0%} of the packed rows.",
        "",
        "| minutes | M tokens | held-out nats a token | bits a byte |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {point['seconds'] / 60:.0f} | {point['tokens'] / 1e6:.1f} "
        f"| {point['heldout']['nats_a_token']:.3f} | {point['heldout']['bits_a_byte']:.3f} |"
        for point in run_log["curve"]
    ]
    lines += [
        "",
        "Points of the curve use a quarter of the text that the figures below use.",
        "",
        "## Quality on held-out packages",
        "",
        f"Plain left-to-right loss: **{loss['nats_a_token']:.3f} nats a token, "
        f"{loss['bits_a_byte']:.3f} bits a byte** over {loss['tokens']:,} tokens in windows of 512 "
        "from the beginnings of files: the exported float16 weights, matrix products in bfloat16.",
        "",
        "Greedy answers, comments and docstrings among the places; exact means equal to what was "
        "left out, up to spaces at its end, and ended there. Prompts hold 1,200 characters before "
        "and 500 after the cursor.",
        "",
        "| question | places | exact | first token right |",
        "|---|---|---|---|",
    ]
    for name, score in measured["fim"].items():
        lines.append(
            f"| {name} | {score['count']} | {score['exact']:.1%} | {score['first_token']:.1%} |"
        )
    lines += [
        "",
        "## Data",
        "",
        *data_summary(manifest, packed),
        "",
        "Removed: duplicates and near-duplicates (also of held-out files), vendored copies, "
        "generated and minified files, files over 200 kB or not UTF-8, files with lines that look "
        "like secrets, packages without a permissive licence, most tests.",
        "",
        "## Limits",
        "",
        "Answers are often wrong, in names above all: show them as suggestions, never run them "
        "unread. It may repeat short pieces of its training data. It writes the Python of large "
        "scientific and web libraries and knows none of your project beyond the prompt. Quality "
        "past 512 tokens of context was trained with about an eighth of the batches.",
        "",
        "## Licence",
        "",
        "The weights: Apache-2.0. The data stays under the licences listed above.",
        "",
        "## Checksums (SHA-256)",
        "",
        "| file | sum |",
        "|---|---|",
        *(f"| {name} | `{digest}` |" for name, digest in sums["files"].items()),
        "",
    ]
    return "\n".join(lines)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``card``."""
    parser.add_argument("--out", type=Path, default=settings.WEIGHTS_DIR)
    parser.add_argument("--device", default="cpu")


def run(arguments: argparse.Namespace) -> None:
    """Measure the exported weights and write README.md beside them."""
    out, work = arguments.out, arguments.work
    run_log = read_log(work / "train.jsonl")
    text = card(
        run_log,
        measure(out, work, arguments.device),
        json.loads(settings.MANIFEST.read_text(encoding="utf-8")),
        json.loads((work / "pack.json").read_text(encoding="utf-8")),
        json.loads((out / "config.json").read_text(encoding="utf-8")),
        checksums(out),
    )
    write_whole(out / "README.md", text.encode())
    log.info("wrote %s", out / "README.md")
