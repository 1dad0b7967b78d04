"""Read Python files out of wheels and the standard library, and what they say of themselves.

Decides nothing about duplicates or held-out code.  Downloads with pip when told to.
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from email.message import Message
from email.parser import HeaderParser
from pathlib import Path

from scripts.train.clean import Rules, clean, is_vendored

PERMISSIVE = re.compile(
    r"\b(MIT|BSD|Apache|ISC|PSF|Python Software Foundation|HPND|Unlicense|0BSD|Zlib|MIT-CMU)\b",
    re.I,
)
COPYLEFT = re.compile(r"\b(A?GPL|LGPL|GNU|MPL|EUPL|CDDL|SSPL)\b", re.I)


@dataclass(frozen=True, slots=True)
class Document:
    """One Python file: the distribution it came from, its path there, and its text."""

    package: str
    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """One line of the manifest: where files came from, and under which licence."""

    package: str
    version: str
    licence: str
    sha256: str
    """Of the wheel; for the standard library the word ``stdlib``."""

    held_out: bool
    files: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel on disk."""

    path: Path
    package: str

    @classmethod
    def at(cls, path: Path) -> Wheel:
        """Return the wheel at a path; the package's name is read off the file name."""
        return cls(path, normal(path.name.split("-")[0]))


def normal(name: str) -> str:
    """Return a distribution's name as indexes compare it.

    Example:
        >>> normal("Jaraco.Text_Extra")
        'jaraco-text-extra'
    """
    return re.sub(r"[-_.]+", "-", name).lower()


def licence_of(metadata: str) -> str:
    """Return the licence a wheel's METADATA names, shortened to one line."""
    headers = HeaderParser().parsestr(metadata)
    expression = headers.get("License-Expression")
    if expression:
        return expression.strip()
    classifiers = [
        value.rpartition("::")[2].strip()
        for value in headers.get_all("Classifier", [])
        if value.startswith("License ::")
    ]
    named = (headers.get("License") or "").strip().splitlines()
    return "; ".join(classifiers) or (named[0].strip()[:80] if named else "unknown")


def is_permissive(licence: str) -> bool:
    """Say whether a licence line names a permissive licence and no copyleft one."""
    return bool(PERMISSIVE.search(licence)) and not COPYLEFT.search(licence)


def wheel_documents(wheel: Path, rules: Rules) -> tuple[Source, list[Document]]:
    """Read one wheel: what it says of itself, and its usable Python files."""
    documents = []
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = _metadata(archive, names)
        headers: Message = HeaderParser().parsestr(metadata)
        package = headers["Name"].lower()
        for name in sorted(names):
            if not name.endswith(".py") or is_vendored(name, rules):
                continue
            text = clean(archive.read(name), rules)
            if text is not None:
                documents.append(Document(package, name, text))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    source = Source(package, headers["Version"], licence_of(metadata), digest, False, 0, 0)
    return source, documents


def _metadata(archive: zipfile.ZipFile, names: list[str]) -> str:
    # A vendored distribution's METADATA lies deeper.
    name = min((n for n in names if n.endswith(".dist-info/METADATA")), key=lambda n: n.count("/"))
    return archive.read(name).decode("utf-8", "replace")


def stdlib_documents(rules: Rules) -> tuple[Source, list[Document]]:
    """Read the standard library of the running Python, without what pip installed into it."""
    root = Path(sysconfig.get_paths()["stdlib"])
    documents = []
    for file in sorted(root.rglob("*.py")):
        path = file.relative_to(root).as_posix()
        if is_vendored(path, rules) or "lib2to3/tests/data" in path:
            continue
        text = clean(file.read_bytes(), rules)
        if text is not None:
            documents.append(Document("python", path, text))
    source = Source("python", platform.python_version(), "PSF-2.0", "stdlib", False, 0, 0)
    return source, documents


def requirements(names: Iterable[str], versions: dict[str, str]) -> list[str]:
    """Pin names to known versions; names without one stay free.

    Example:
        >>> requirements(["torch", "new"], {"torch": "2+cpu"})
        ['torch==2', 'new']
    """
    # What follows a plus names a local build; the same release elsewhere has another or none.
    return [f"{n}=={versions[n].partition('+')[0]}" if n in versions else n for n in names]


def fetch_wheels(folder: Path, wanted: list[str], indexes: list[str]) -> None:
    """Download wheels with pip.  Keeps the wheels already there.

    Args:
        folder: Where they go.
        wanted: Names or pinned names.
        indexes: Package indexes to ask instead of those pip is configured for; may be empty.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder)]
    if indexes:
        command += ["--isolated", "--index-url", indexes[0]]
        command += [part for index in indexes[1:] for part in ("--extra-index-url", index)]
    subprocess.run([*command, *wanted], check=True)


def write_jsonl(path: Path, documents: Iterable[Document]) -> None:
    """Write one document a line; the file appears only when complete."""
    temporary = path.with_suffix(".tmp")
    with temporary.open("w", encoding="utf-8") as file:
        for document in documents:
            file.write(json.dumps(asdict(document), ensure_ascii=False) + "\n")
    temporary.replace(path)


def read_jsonl(path: Path) -> Iterator[Document]:
    """Yield the documents of ``corpus.jsonl`` or ``heldout.jsonl``."""
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Document(**json.loads(line))
