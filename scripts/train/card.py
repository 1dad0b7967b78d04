"""Write the model card of a weights folder.

Every figure comes from the run's log, the manifest, the output of ``spark-tui bench quality``, or
a measurement of the exported weights made here; the text around them is all that is written by
hand.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from scripts.train import history, settings
from scripts.train.corpus import file_digest, read_manifest
from scripts.train.weights_file import checksums, digest, weight_files, write_whole

log = logging.getLogger(__name__)

WINDOWS = {512: 400, 2048: 100}
"""Tokens of a window of held-out text, and how many windows are measured."""


def measure(folder: Path, work: Path, device: str) -> dict[str, Any]:
    """Measure the exported weights on held-out files; keep the result in WORK/evaluation.json.

    A result of the same weights is not measured again.
    """
    from scripts.train import evaluate, precision
    from scripts.train.pack import Encoder
    from scripts.train.tokenizer import load

    digests = [file_digest(path) for path in weight_files(folder)]
    kind = precision.fastest(device)
    path = work / "evaluation.json"
    if path.exists():
        known: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if (known.get("digests"), known.get("precision")) == (digests, kind):
            return known
    model = evaluate.load_weights(folder, device)
    encode = Encoder(load(folder / "tokenizer.json"))
    documents = evaluate.held_out_documents(work / "heldout.jsonl")
    result: dict[str, Any] = {"digests": digests, "precision": kind, "loss": {}}
    for length, count in WINDOWS.items():
        windows = evaluate.loss_windows(documents, encode, count, length)
        result["loss"][str(length)] = asdict(evaluate.measure_loss(model, windows, device))
        log.info("windows of %d: %s", length, result["loss"][str(length)])
    write_whole(path, (json.dumps(result, indent=1) + "\n").encode())
    return result


# ── parts of the card ───────────────────────────────────────────────────────────────────────


def opening(name: str, parameters: int, config: Mapping[str, Any]) -> list[str]:
    """Return what the model is."""
    shape = (
        f"{config['num_hidden_layers']} layers, width {config['hidden_size']}, "
        f"{config['num_attention_heads']} heads of {config['head_dim']} with "
        f"{config['num_key_value_heads']} key/value heads, "
        f"SwiGLU of {config['intermediate_size']}, "
        f"vocabulary {config['vocab_size']:,}, {config['max_position_embeddings']:,} positions, "
        "head tied to the embedding"
    )
    return [
        f"# {name}",
        "",
        f"A very small Python completion model: a plain Llama with {parameters:,} parameters "
        f"({shape}). Trained from nothing by `scripts/train`; no other model's weights or outputs "
        "went into it.",
        "",
        "It finishes lines and fills holes in Python files inside Spark's editor. It knows no "
        "facts, follows no instructions and speaks no language but Python.",
        "",
        "## Prompts",
        "",
        "- In the middle of a file: `<|fim_prefix|>` lines above, `<|fim_suffix|>` what follows "
        "the cursor, `<|fim_middle|>` what is typed of the cursor's line. Encode the parts apart; "
        "the answer ends with `<|endoftext|>`.",
        "- Also trained: the typed part left in the prefix, and "
        "`<|fim_prefix|><|fim_suffix|>S<|fim_middle|>P` with the answer right after P.",
        "- In front may stand `<|file_sep|>path\\n`, or `<|repo_name|>name\\n`, pieces of other "
        "files each after `<|file_sep|>path\\n`, then the same with the own path.",
    ]


def training_lines(
    run_log: Mapping[str, Any], packed: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """Return how it was trained: totals, phases, the curve of the held-out loss."""
    total, phases = run_log["total"], run_log["phases"]
    flops = 6 * run_log["parameters"] * total["tokens"]
    lines = [
        f"{total['step']:,} steps, {total['tokens'] / 1e6:.2f} M tokens, "
        f"{total['seconds'] / 60:.1f} minutes, {total['tokens'] / total['seconds']:,.0f} tokens a "
        f"second on average (evaluations included); about {flops:.1e} floating-point operations. "
        "Muon for the matrices of the layers, AdamW for the rest, with linear decay to 0 over the "
        "last share of a run.",
        "",
        "| phase | begins with | rows of | rates | decay | batch | weight of middles | on "
        "| steps | M tokens | minutes | of its rows |",
        "|---|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for number, phase in enumerate(phases, 1):
        rows, own = tokens_in(packed[phase["set"]]), phase["options"]
        lines.append(
            f"| {number} | {_beginning(number, phase)} "
            f"| `{phase['set']}`, {rows / 1e6:.1f} M tokens | {own['muon_lr']}, {own['adam_lr']} "
            f"| {own['decay']:.0%} | {own['batch_tokens']:,} | {own['middle_weight']} "
            f"| {own['device']}, {own.get('precision', 'bfloat16')} | {phase['step']:,} "
            f"| {phase['tokens'] / 1e6:.1f} | {phase['seconds'] / 60:.0f} "
            f"| {phase['tokens'] / rows:.0%} |"
        )
    for number, phase in enumerate(phases, 1):
        if phase.get("blend"):
            lines += [
                "",
                f"The exported weights of phase {number} lie on the straight line to those of "
                f"{phase['blend']['folder']} before it, {phase['blend']['share']:.0%} of the way.",
            ]
    lines += [
        "",
        "| minutes | M tokens | held-out nats a token | bits a byte |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {point['seconds'] / 60:.0f} | {point['tokens'] / 1e6:.1f} "
        f"| {point['heldout']['nats_a_token']:.3f} | {point['heldout']['bits_a_byte']:.3f} |"
        for point in run_log["curve"]
    ]
    return [*lines, "", "Points of the curve use a quarter of the text that the figures below use."]


def _beginning(number: int, phase: Mapping[str, Any]) -> str:
    """Return what a phase begins with."""
    if phase["init"] is None:
        return "nothing" if number == 1 else "the checkpoint"
    passed = phase["options"].get("rows_passed", 0.0)
    behind = f", behind the first {passed:.1%} of the rows" if passed else ""
    return f"the weights of phase {number - 1}, new momentum{behind}"


def tokens_in(packed: Mapping[str, Any]) -> int:
    """Return the tokens of all rows that a pack.json describes."""
    return sum(part["tokens"] for part in packed.values() if "tokens" in part)


def loss_lines(measured: Mapping[str, Any]) -> list[str]:
    """Return the loss on held-out packages."""
    lines = [
        "Plain left-to-right prediction of held-out code from the beginnings of files: the "
        f"exported weights, matrix products in {measured['precision']}.",
        "",
        "| window | nats a token | bits a byte | tokens |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {length} tokens | {part['nats_a_token']:.3f} | **{part['bits_a_byte']:.3f}** "
        f"| {part['tokens']:,} |"
        for length, part in measured["loss"].items()
    ]
    return lines


def quality_lines(label: str, report: Mapping[str, Any]) -> list[str]:
    """Return the figures of one ``spark-tui bench quality --json``."""
    suites = report["suites"]
    lines = [
        f"### {label}",
        "",
        f"`spark-tui bench quality`, seed {report.get('seed', 0)}, greedy, the quantised model on "
        f"the emulated machine, {with_repository(report)}.",
        "",
        "| suite | items | who | exact | 95 % interval | edit similarity | bits a byte |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, suite in suites.items():
        rows = {"**model**": suite}
        if "without_repository" in suite:
            rows["model without the repository"] = suite["without_repository"]
        rows |= suite.get("baselines", {})
        for who, figures in rows.items():
            if figures.get("exact_match") is None:
                continue
            first = f"| {name} | {suite['n']} " if figures is suite else "| | "
            lines.append(f"{first}| {who} | {_rates(figures)} |")
    lines += ["", *replay_lines(suites["replay"])] if "replay" in suites else []
    return lines


def with_repository(report: Mapping[str, Any]) -> str:
    """Say whether the other files of the repository helped."""
    used = report.get("repository", True)
    return "with the repository's other files" if used else "without the repository's other files"


def _rates(figures: Mapping[str, Any]) -> str:
    interval = figures.get("exact_match_ci")
    cells = [
        f"{figures['exact_match']:.1%}",
        f"{interval[0]:.1%} – {interval[1]:.1%}" if interval else "",
        f"{figures['edit_similarity']:.1%}",
    ]
    bits = figures.get("bits_per_byte")
    return " | ".join([*cells, f"{bits:.3f}" if bits is not None else ""])


def replay_lines(replay: Mapping[str, Any]) -> list[str]:
    """Return what typing whole files with suggestions gave."""
    lines = [
        f"Typed key by key through the real policy (`replay`, {replay['n']} lines): "
        f"**{replay['keystrokes_saved']:.1%} of the keystrokes saved**, {replay['shown']} "
        f"suggestions shown, {replay['accepted']} accepted, "
        f"{replay['wrong_shown_per_100_keys']:.2f} wrong ones shown per 100 keys."
    ]
    if replay.get("endings"):
        ends = ", ".join(f"{kind.replace('_', ' ')} {n}" for kind, n in replay["endings"].items())
        lines += ["", f"How its suggestions ended: {ends}."]
    saved = [
        f"{who} {figures['keystrokes_saved']:.1%} at {figures['wrong_shown_per_100_keys']:.2f}"
        for who, figures in replay.get("baselines", {}).items()
        if figures.get("keystrokes_saved") is not None
    ]
    if saved:
        lines += ["", f"Baselines, which show all they have, save: {', '.join(saved)} wrong ones."]
    return lines


def data_lines(manifest: Mapping[str, Any], name: str) -> list[str]:
    """Return what the largest set used contains, by licence, and what is held out."""
    sources = manifest["sets"][name]["sources"]
    training = [source for source in sources if not source["held_out"]]
    held = [source for source in sources if source["held_out"]]
    licences: dict[str, list[str]] = defaultdict(list)
    for source in training:
        licences[source["licence"]].append(f"{source['package']} {source['version']}")
    lines = [
        f"Set `{name}`: {sum(s['files'] for s in training):,} Python files, "
        f"{sum(s['bytes'] for s in training) / 1e6:.1f} MB, from the standard library and "
        f"{len(training) - 1} packages (`scripts/train/manifest.json` has versions, checksums "
        "and counts, `scripts/train/files.txt.xz` every file).",
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
        "without their tests). `python -m scripts.train audit` shows from the manifest that none "
        "of it was trained on.",
        "",
        "Removed: duplicates and near-duplicates, files that share many lines with held-out ones, "
        "vendored copies, generated and minified files, files over 200 kB or not UTF-8, packages "
        "without a permissive licence, most tests. Keys, tokens, passwords and mail addresses are "
        "blotted out.",
        "",
        f"The tokenizer was learnt on the set `{settings.TOKENIZER_SET}`, the standard library and "
        "some of these packages, where files with secrets are left away instead.",
    ]
    return lines


def rebuild_lines(
    run_log: Mapping[str, Any],
    manifest: Mapping[str, Any],
    packed: Mapping[str, Mapping[str, Any]],
    rows: Mapping[str, str],
    export: str,
) -> list[str]:
    """Return the commands that make all this again, and the checksums they must give."""
    names = list(dict.fromkeys(phase["set"] for phase in run_log["phases"]))
    corpora = list(dict.fromkeys([settings.TOKENIZER_SET, *names]))
    commands = [f"{history.PYTHON} corpus --set {name} --fetch --check" for name in corpora]
    commands.append(f"{history.PYTHON} tokenizer")
    for name in names:
        options = packed[name].get("options", {"processes": 2, "cap_bytes": 10_000_000})
        commands.append(
            f"{history.PYTHON} pack --set {name} --processes {options['processes']} "
            f"--cap-bytes {options['cap_bytes']}"
        )
    for number, phase in enumerate(run_log["phases"]):
        if number and phase["init"] is not None:
            # Without its checkpoint the next phase begins with the weights.
            work = run_log["phases"][number - 1]["options"].get("work", settings.WORK_DIR)
            before = run_log["phases"][number - 1]
            commands += [_export(export, before), f"rm {work}/checkpoint.pt"]
        commands += phase["commands"]
    commands.append(_export(export, run_log["phases"][-1]))
    # Of the default model; for another one --model names it.
    commands.append("python scripts/fit_knowledge.py --fetch")
    versions = {s["package"]: s["version"] for s in manifest["sets"][names[-1]]["sources"]}
    lines = ["```", *commands, "```", ""]
    lines += [
        f"With the standard library of Python {versions['python']}, corpus, tokenizer and rows "
        "come out byte for byte; with one worker and `--tokens` a run gives the same losses each "
        "time on one kind of processor. Two workers or `--minutes` do not. A `train` that another "
        "one follows was stopped or ran out, and the next went on from its checkpoint.",
        "",
        "| file | SHA-256 |",
        "|---|---|",
        f"| heldout.jsonl | `{manifest['heldout_sha256']}` |",
    ]
    for name in corpora:
        lines.append(f"| {name}/corpus.jsonl | `{manifest['sets'][name]['corpus_sha256']}` |")
    return lines + [f"| {path} | `{digest}` |" for path, digest in rows.items()]


def _export(export: str, phase: Mapping[str, Any]) -> str:
    """Return the command that exported the weights of a phase."""
    mixed = phase.get("blend")
    blend = f" --blend {mixed['folder']}={mixed['share']:g}" if mixed else ""
    return f"{history.PYTHON} {export}{blend}"


def card(
    name: str,
    run_log: Mapping[str, Any],
    measured: Mapping[str, Any],
    manifest: Mapping[str, Any],
    packed: Mapping[str, Mapping[str, Any]],
    rows: Mapping[str, str],
    config: Mapping[str, Any],
    sums: Mapping[str, Mapping[str, str]],
    quality: Mapping[str, Mapping[str, Any]],
    export: str,
    notes: str,
) -> str:
    """Return the text of the model card."""
    largest = run_log["phases"][-1]["set"]
    lines = [
        *opening(name, run_log["parameters"], config),
        "",
        "## Training",
        "",
        *training_lines(run_log, packed),
        "",
        "## Quality on held-out packages",
        "",
        *loss_lines(measured),
    ]
    for label, report in quality.items():
        lines += ["", *quality_lines(label, report)]
    lines += ["", notes.strip()] if notes.strip() else []
    lines += [
        "",
        "## Data",
        "",
        *data_lines(manifest, largest),
        "",
        "## Rebuild",
        "",
        *rebuild_lines(run_log, manifest, packed, rows, export),
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
        *(f"| {file} | `{digest}` |" for file, digest in sums["files"].items()),
        "",
    ]
    return "\n".join(lines)


# ── the step ────────────────────────────────────────────────────────────────────────────────


def labelled(argument: str) -> tuple[str, Path]:
    """Split ``LABEL=FILE``; without a label the file's stem is one.

    Example:
        >>> labelled("Held out=a.json")
        ('Held out', PosixPath('a.json'))
    """
    label, equals, path = argument.rpartition("=")
    return (label, Path(path)) if equals else (Path(path).stem, Path(path))


def check_measured(folder: Path, quality: Mapping[str, Mapping[str, Any]]) -> None:
    """See to it that all figures are of the weights in a folder.

    Raises:
        ValueError: The tuning or a measurement is of other weights.
    """
    own = digest(folder)
    if (folder / "knowledge.json").exists():
        tuning = json.loads((folder / "knowledge.json").read_text(encoding="utf-8"))
        if tuning["weights_sha256"] != own:
            raise ValueError(
                f"{folder / 'knowledge.json'} was fitted to other weights; run "
                "scripts/fit_knowledge.py, then measure again"
            )
    for label, report in quality.items():
        if report.get("weights_sha256") != own:
            raise ValueError(f"the figures of {label!r} are of other weights; measure again")


def check_rows(phase: Mapping[str, Any], work: Path) -> None:
    """See to it that the rows described are those that the last phase was trained on.

    Raises:
        ValueError: They were packed anew since.
    """
    path = work / phase["set"] / "pack.json"
    if phase["pack"] not in (None, file_digest(path)):
        raise ValueError(f"{path} is not of the rows that the last phase was trained on")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``card``."""
    parser.add_argument("--out", type=Path, default=settings.WEIGHTS_DIR)
    parser.add_argument("--device", default="cpu")
    parser.add_argument(
        "--quality",
        type=labelled,
        action="append",
        default=[],
        metavar="[LABEL=]FILE",
        help="output of `spark-tui bench quality --json`; repeatable",
    )
    parser.add_argument("--export", default="export", help="the export as it was called")
    parser.add_argument("--notes", type=Path, help="Markdown put in before the data")


def run(arguments: argparse.Namespace) -> None:
    """Measure the exported weights and write README.md beside them."""
    out, work = arguments.out, arguments.work
    quality = {label: json.loads(path.read_text("utf-8")) for label, path in arguments.quality}
    check_measured(out, quality)
    # What came along with the weights knows how they were exported too.
    told = out / history.NAME
    run_log = history.summary(history.read(told if told.exists() else work / "train.jsonl"))
    check_rows(run_log["phases"][-1], work)
    names = list(dict.fromkeys(phase["set"] for phase in run_log["phases"]))
    text = card(
        out.name,
        run_log,
        measure(out, work, arguments.device),
        read_manifest(settings.MANIFEST),
        {name: json.loads((work / name / "pack.json").read_text("utf-8")) for name in names},
        {f"{n}/{p.name}": file_digest(p) for n in names for p in sorted((work / n).glob("*.npy"))},
        json.loads((out / "config.json").read_text(encoding="utf-8")),
        checksums(out),
        quality,
        arguments.export,
        arguments.notes.read_text(encoding="utf-8") if arguments.notes else "",
    )
    write_whole(out / "README.md", text.encode())
    log.info("wrote %s", out / "README.md")
