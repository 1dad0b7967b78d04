"""Show, from the manifest and its list of files, that nothing held out was trained on.

Needs only what lies in the repository; with the corpus at hand every line is compared too.
Reads, and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.train import settings
from scripts.train.clean import is_held_out
from scripts.train.corpus import file_digest, read_listing, read_manifest
from scripts.train.duplicates import NearDuplicates, SharedLines
from scripts.train.sources import Document, is_permissive, normal, read_jsonl

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the list of files."""

    set: str
    """A set's name, or ``held-out``."""
    package: str
    path: str
    digest: str
    """First 16 hexadecimal digits of the sha256 of the text without white space."""

    @classmethod
    def parse(cls, line: str) -> Entry:
        """Read one line."""
        return cls(*line.split("\t"))


def in_manifest(manifest: dict[str, Any], names: frozenset[str]) -> list[str]:
    """Return what is wrong with the packages a manifest says were trained on."""
    problems = []
    for name, part in manifest["sets"].items():
        for source in part["sources"]:
            package = source["package"]
            # The standard library appears twice: asyncio held out, the rest trained on.
            if normal(package) in names and not source["held_out"]:
                problems.append(f"set {name}: {package} is a held-out package")
            if not source["held_out"] and not is_permissive(source["licence"]):
                problems.append(f"set {name}: {package} has the licence {source['licence']!r}")
    return problems


def in_listing(entries: Sequence[Entry], names: frozenset[str]) -> list[str]:
    """Return what is wrong with the files that were trained on: place or content held out."""
    held = {entry.digest: entry for entry in entries if entry.set == "held-out"}
    problems = []
    for entry in entries:
        if entry.set == "held-out":
            continue
        where = f"set {entry.set}: {entry.package}: {entry.path}"
        if is_held_out(entry.path, names):
            problems.append(f"{where} lies in a held-out package or a copy of one")
        if entry.digest in held:
            problems.append(f"{where} is the same as {held[entry.digest].path}")
    return problems


def unlisted(manifest: dict[str, Any], entries: Iterable[Entry]) -> list[str]:
    """Return where the list of files and the manifest do not belong together."""
    listed = Counter((entry.set, entry.package) for entry in entries)
    problems = []
    for name, part in manifest["sets"].items():
        for source in part["sources"]:
            key = "held-out" if source["held_out"] else name, source["package"]
            if listed[key] != source["files"]:
                problems.append(
                    f"set {name}: {source['package']} has {source['files']} files in the "
                    f"manifest and {listed[key]} in the list"
                )
    return problems


@dataclass(frozen=True, slots=True)
class Overlap:
    """The training file that has most in common with held-out ones."""

    path: str = "none"
    lines: int = 0
    share: float = 0.0


def in_texts(
    documents: Iterable[Document], held: Sequence[Document]
) -> tuple[list[str], Overlap, int]:
    """Compare every training file with every held-out one.

    Returns:
        What is wrong; the largest overlap in telling lines that was found; how many files were
        compared.
    """
    lines = SharedLines(document.text for document in held)
    register, problems, largest, count = NearDuplicates(), [], Overlap(), 0
    for document in held:
        register.add(document.text)
    for document in documents:
        count += 1
        path = f"{document.package}: {document.path}"
        shared, share = lines.shared(document.text)
        if shared > SharedLines.MOST_LINES and share > largest.share:
            largest = Overlap(path, shared, share)
        if register.knows(document.text):
            problems.append(f"{path} is nearly the same as a held-out file")
        elif lines.is_copy(document.text):
            problems.append(f"{path} shares {shared} lines ({share:.0%}) with held-out files")
    return problems, largest, count


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``audit``."""
    parser.add_argument("names", nargs="*", help="packages (default: all of heldout.txt)")
    parser.add_argument("--manifest", type=Path, default=settings.MANIFEST)
    parser.add_argument("--files", type=Path, default=settings.FILES)
    parser.add_argument("--set", choices=settings.SETS, help="only this set (default: all)")
    parser.add_argument(
        "--texts", action="store_true", help="also compare the texts in WORK, where they are built"
    )


def run(arguments: argparse.Namespace) -> None:
    """Print what was looked at and what was found.

    Raises:
        SystemExit: Something held out was trained on.
    """
    names = frozenset(map(normal, arguments.names or settings.read_names(settings.HELD_OUT)))
    manifest = read_manifest(arguments.manifest)
    entries = [Entry.parse(line) for line in read_listing(arguments.files)]
    if not manifest["sets"] or not entries:
        raise SystemExit("no manifest or no list of files; `corpus` writes both")
    if arguments.set is not None:
        manifest["sets"] = {arguments.set: manifest["sets"][arguments.set]}
        entries = [entry for entry in entries if entry.set in (arguments.set, "held-out")]
    problems = [
        *in_manifest(manifest, names),
        *in_listing(entries, names),
        *unlisted(manifest, entries),
    ]
    report: dict[str, Any] = {"names": sorted(names), "sets": {}}
    for name, part in manifest["sets"].items():
        trained = [source for source in part["sources"] if not source["held_out"]]
        report["sets"][name] = {
            "packages": len(trained),
            "files": sum(source["files"] for source in trained),
        }
    if arguments.texts:
        for name in manifest["sets"]:
            found, part = _texts(arguments.work, name, manifest)
            problems += found
            report["sets"][name] |= part
    report["problems"] = problems
    print(json.dumps(report, indent=1))
    if problems:
        raise SystemExit(f"{len(problems)} problems; the first: {problems[0]}")


def _texts(work: Path, name: str, manifest: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    corpus = work / name / "corpus.jsonl"
    problems = []
    if file_digest(corpus) != manifest["sets"][name]["corpus_sha256"]:
        problems.append(f"{corpus} is not the corpus the manifest describes")
    held = list(read_jsonl(work / "heldout.jsonl"))
    found, largest, count = in_texts(read_jsonl(corpus), held)
    overlap = {"path": largest.path, "lines": largest.lines, "share": round(largest.share, 3)}
    return problems + found, {"compared": count, "largest_overlap": overlap}
