"""Gather a set of Python files, cleaned and without duplicates, held-out packages kept apart.

Writes ``WORK/SET/corpus.jsonl`` (training), ``WORK/heldout.jsonl`` (never trained on), the set's
part of the manifest, and the list of files that `audit` reads.  Knows nothing of tokens.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import lzma
import multiprocessing
import platform
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from scripts.train import settings
from scripts.train.clean import RULES, Rules, is_held_out, is_test
from scripts.train.duplicates import NearDuplicates, SharedLines, digest
from scripts.train.sources import (
    Document,
    Source,
    Wheel,
    fetch_wheels,
    is_permissive,
    normal,
    requirements,
    stdlib_documents,
    wheel_documents,
    write_jsonl,
)

log = logging.getLogger(__name__)

TEST_SHARE = 0.15
"""Part of the kept bytes of a package that may be tests."""

Read = tuple[Source, list[Document]]


def limit_tests(documents: list[Document]) -> list[Document]:
    """Keep tests only up to TEST_SHARE of the package, chosen by a hash of their path."""
    tests = [d for d in documents if is_test(d.path)]
    others = [d for d in documents if not is_test(d.path)]
    budget = sum(len(d.text) for d in others) * TEST_SHARE / (1 - TEST_SHARE)
    for document in sorted(tests, key=lambda d: hashlib.sha256(d.path.encode()).digest()):
        if len(document.text) <= budget:
            budget -= len(document.text)
            others.append(document)
    return others


def held_out(
    sources: Iterable[Read], names: frozenset[str], register: NearDuplicates
) -> list[Read]:
    """Return the held-out files, and enter them into the register of duplicates.

    A held-out package is an evaluation set as a whole, tests aside; a held-out folder elsewhere
    is one only in the standard library, and is thrown away otherwise.
    """
    found = []
    for source, documents in sources:
        if source.package in names:
            chosen = [d for d in documents if not is_test(d.path)]
        elif source.package == "python":
            chosen = [d for d in documents if d.path.split("/")[0] in names]
        else:
            continue
        chosen = [document for document in chosen if register.add(document.text)]
        found.append((_counted(source, chosen, held_out=True), chosen))
    return found


def training(
    sources: Iterable[Read],
    names: frozenset[str],
    register: NearDuplicates,
    protected: SharedLines | None,
) -> list[Read]:
    """Return the files to train on: permissive, not held out, each once.

    Args:
        sources: Packages with their cleaned files, in order of preference.
        names: Held-out packages.
        register: Duplicates; knows the held-out files already, so a renamed copy of one that
            sits in a training package is dropped too.
        protected: Lines of held-out files; None leaves that test out.
    """
    found = []
    for source, documents in sources:
        if normal(source.package) in names:
            continue
        if not is_permissive(source.licence):
            log.warning("skipped %s: licence %r", source.package, source.licence)
            continue
        kept = [d for d in documents if not is_held_out(d.path, names)]
        if protected is not None:
            kept = [document for document in kept if not protected.is_copy(document.text)]
        kept = [document for document in limit_tests(kept) if register.add(document.text)]
        found.append((_counted(source, kept, held_out=False), kept))
    return found


def _counted(source: Source, documents: list[Document], *, held_out: bool) -> Source:
    size = sum(len(document.text.encode()) for document in documents)
    return replace(source, held_out=held_out, files=len(documents), bytes=size)


def chosen_wheels(folder: Path, names: Sequence[str]) -> list[Wheel]:
    """Return the wheels of some packages, by list first and then by file name.

    Raises:
        ValueError: A package has no wheel in the folder, or more than one.
    """
    found: dict[str, list[Wheel]] = {}
    for wheel in map(Wheel.at, sorted(folder.glob("*.whl"))):
        found.setdefault(wheel.package, []).append(wheel)
    missing = [name for name in names if normal(name) not in found]
    if missing:
        raise ValueError(f"{folder} has no wheel of {', '.join(missing)}; --fetch downloads them")
    doubled = [name for name in names if len(found[normal(name)]) > 1]
    if doubled:
        raise ValueError(f"{folder} has several wheels of {', '.join(doubled)}; keep one of each")
    return sorted((found[normal(name)][0] for name in names), key=lambda wheel: wheel.path)


def _read_wheel(job: tuple[Path, Rules]) -> Read:
    return wheel_documents(*job)


def read_all(
    wheels: Sequence[Wheel], rules: Rules, processes: int, *, stdlib: bool = True
) -> list[Read]:
    """Read the standard library and wheels, in order, in several processes."""
    jobs = [(wheel.path, rules) for wheel in wheels]
    first = [stdlib_documents(rules)] if stdlib else []
    if processes == 1:
        return first + [_read_wheel(job) for job in jobs]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        return first + pool.map(_read_wheel, jobs, chunksize=1)


def read_manifest(path: Path) -> dict[str, Any]:
    """Return the manifest: ``sets`` by name, each with its sources and checksums."""
    if not path.exists():
        return {"sets": {}}
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return manifest


def known_versions(manifest: dict[str, Any]) -> dict[str, str]:
    """Return the version of every package that any set of a manifest names."""
    return {
        normal(entry["package"]): entry["version"]
        for part in manifest["sets"].values()
        for entry in part["sources"]
    }


def listing(name: str, documents: Iterable[Document]) -> list[str]:
    """Return the lines of the list of files: set, package, path, digest of the text."""
    return sorted(f"{name}\t{d.package}\t{d.path}\t{digest(d.text).hex()[:16]}" for d in documents)


def read_listing(path: Path) -> list[str]:
    """Return the lines of the list of files; empty if there is none."""
    if not path.exists():
        return []
    return lzma.decompress(path.read_bytes()).decode("utf-8").splitlines()


def write_listing(path: Path, lines: Iterable[str]) -> None:
    """Write the list of files, compressed."""
    text = "".join(f"{line}\n" for line in sorted(lines))
    path.write_bytes(lzma.compress(text.encode("utf-8"), preset=9))


def record(
    name: str, held: list[Read], kept: list[Read], work: Path, manifest_path: Path, files_path: Path
) -> None:
    """Put a set into the manifest and the list of files; other sets stay as they are."""
    manifest = read_manifest(manifest_path)
    manifest["heldout_sha256"] = file_digest(work / "heldout.jsonl")
    manifest["sets"][name] = {
        "corpus_sha256": file_digest(work / name / "corpus.jsonl"),
        "sources": [asdict(source) for source, _ in [*held, *kept]],
    }
    manifest["sets"] = {n: manifest["sets"][n] for n in settings.SETS if n in manifest["sets"]}
    lines = [x for x in read_listing(files_path) if x.split("\t")[0] not in (name, "held-out")]
    lines += listing("held-out", [d for _, documents in held for d in documents])
    lines += listing(name, [d for _, documents in kept for d in documents])
    write_listing(files_path, lines)
    manifest_path.write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


def file_digest(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``corpus``."""
    parser.add_argument("--set", choices=settings.SETS, default=settings.DEFAULT_SET)
    parser.add_argument("--fetch", action="store_true", help="download the listed wheels first")
    parser.add_argument("--newest", action="store_true", help="not the manifest's versions")
    parser.add_argument(
        "--index", action="append", default=[], help="package index to fetch from; repeatable"
    )
    parser.add_argument("--wheels", type=Path, help="folder of wheels (default: WORK/wheels)")
    parser.add_argument(
        "--package", action="append", default=[], help="one more package; repeatable"
    )
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--check", action="store_true", help="compare with the manifest, keep it")
    parser.add_argument("--force", action="store_true", help="write the corpus again")


def run(arguments: argparse.Namespace) -> None:
    """Build the corpus of a set, unless it is there."""
    work: Path = arguments.work
    name: str = arguments.set
    target = work / name / "corpus.jsonl"
    if target.exists() and not arguments.force:
        log.info("%s exists; --force writes it again", target)
        if arguments.check:
            check(work, name, read_manifest(settings.MANIFEST))
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    names = frozenset(settings.read_names(settings.HELD_OUT))
    protected_names = sorted(names - {"asyncio"})
    trained_names = [*settings.SETS[name].names(), *arguments.package]
    folder = arguments.wheels or work / "wheels"
    if arguments.fetch:
        versions = {} if arguments.newest else known_versions(read_manifest(settings.MANIFEST))
        wanted = requirements([*trained_names, *protected_names], versions)
        fetch_wheels(folder, wanted, arguments.index)
    held, kept = build(
        chosen_wheels(folder, protected_names),
        chosen_wheels(folder, trained_names),
        names,
        RULES[name],
        arguments.processes,
    )
    write_jsonl(work / "heldout.jsonl", (d for _, documents in held for d in documents))
    write_jsonl(target, (d for _, documents in kept for d in documents))
    if arguments.check:
        check(work, name, read_manifest(settings.MANIFEST))
    else:
        record(name, held, kept, work, settings.MANIFEST, settings.FILES)
    sizes = Counter({source.package: source.bytes for source, _ in kept})
    files = sum(source.files for source, _ in kept)
    log.info("training: %d files, %.1f MB", files, sum(sizes.values()) / 1e6)
    log.info("largest: %s", sizes.most_common(8))
    size = sum(source.bytes for source, _ in held)
    log.info("held out: %d files, %.1f MB", sum(s.files for s, _ in held), size / 1e6)


def build(
    held_wheels: Sequence[Wheel],
    wheels: Sequence[Wheel],
    names: frozenset[str],
    rules: Rules,
    processes: int,
) -> tuple[list[Read], list[Read]]:
    """Return the held-out and the training files of a set."""
    # Held-out files are the same whatever the set, or figures could not be compared.
    register = NearDuplicates(mixed=False)
    held = held_out(read_all(held_wheels, RULES["core"], 1), names, register)
    texts = [document.text for _, documents in held for document in documents]
    protected = SharedLines(texts) if rules.copies else None
    if rules.mixed:
        register = NearDuplicates()
        for text in texts:
            register.add(text)
    return held, training(read_all(wheels, rules, processes), names, register, protected)


def check(work: Path, name: str, manifest: dict[str, Any]) -> None:
    """Hold what was built against the manifest.

    Raises:
        ValueError: A checksum differs, so this is not the corpus the manifest describes.
    """
    expected = {
        work / "heldout.jsonl": manifest["heldout_sha256"],
        work / name / "corpus.jsonl": manifest["sets"][name]["corpus_sha256"],
    }
    for path, wanted in expected.items():
        found = file_digest(path)
        if found != wanted:
            versions = known_versions({"sets": {name: manifest["sets"][name]}})
            raise ValueError(
                f"{path} has sha256 {found}, the manifest expects {wanted}; it was made with the "
                f"standard library of Python {versions.get('python')}, this is "
                f"{platform.python_version()}"
            )
    log.info("as in the manifest, byte for byte")
