"""Fetches a file from the Hugging Face hub, through the optional package `huggingface_hub`.

The package runs in a child process (`hub_child`), which can be ended at any time and goes on with
what it left.
"""

import importlib.util
import re
import sys
from pathlib import Path, PurePosixPath

import msgspec

from engine.errors import StoreError
from engine.model_store import hub_child
from engine.model_store.child_process import folder_bytes, run_child
from engine.model_store.digests import file_sha256
from engine.model_store.offers import HubFile
from engine.model_store.transfer import ProgressMeter, SourceError, WholeFile, require_space

__all__ = ["choose_file", "fetch_hub", "parse_reference"]

_SOURCE = "hub"
_FOLDER = "hub"
_REFERENCE = re.compile(r"hf:([\w.-]+/[\w.-]+)(?::(.+))?")
_PART_OF_SEVERAL = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
PREFERRED = ("q4_k_m", "q8_0")
"""Types that are taken when a repository has a file of each, the first choice first."""


class _Listed(msgspec.Struct):
    name: str
    size: int | None


class _Answer(msgspec.Struct):
    files: list[_Listed] = []
    path: str = ""


def parse_reference(text: str) -> HubFile:
    """Return what ``hf:OWNER/REPO[:FILE]`` means; without a file, its name is empty.

    Raises:
        StoreError: It is not of this form.
    """
    match = _REFERENCE.fullmatch(text)
    file = PurePosixPath(match[2] or "") if match else PurePosixPath("/")
    if match is None or file.is_absolute() or ".." in file.parts:
        raise StoreError(f"{text!r} is no model of the hub; write hf:OWNER/REPO or …:FILE.gguf")
    if match[2] and file.suffix.lower() != ".gguf":
        raise StoreError(f"{text!r}: {file} is no .gguf file; name one, or leave it out")
    return HubFile(repository=match[1], file=str(file) if match[2] else "")


def fetch_hub(wanted: HubFile, work: Path, meter: ProgressMeter) -> WholeFile:
    """Bring a file of a repository into a folder; goes on with what is there.

    Raises:
        SourceError: The package is missing, or the hub cannot be reached or refuses.
        StoreError: The disk has no room.
    """
    if not wanted.file:
        wanted = choose_file(wanted.repository, meter)
    folder = work / _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    size = _size(wanted, _list(wanted.repository, meter))
    require_space(work, max(0, size - folder_bytes(folder)), f"fetching {wanted.file}")
    meter.begin("fetching", _SOURCE, size)
    answer = _run(
        ("fetch", wanted.repository, wanted.file, str(folder)),
        lambda: meter.at(min(size, folder_bytes(folder))),
    )
    path = Path(answer.path)
    meter.begin("checking", _SOURCE, path.stat().st_size)
    digest = file_sha256(path, meter.at)
    return WholeFile(path, digest, f"hf:{wanted.repository}:{wanted.file}")


def choose_file(repository: str, meter: ProgressMeter) -> HubFile:
    """Return the one file of a repository to fetch when none is named.

    The only GGUF file is it; of several, the only one with Q4_K_M in its name, else the only one
    with Q8_0.  Parts of a split file and projectors of images (``mmproj``) do not count.

    Raises:
        SourceError: As `fetch_hub`, or there is none, or the choice is the person's.
    """
    names = [
        each.name
        for each in _list(repository, meter)
        if each.name.lower().endswith(".gguf")
        and not _PART_OF_SEVERAL.search(each.name)
        and "mmproj" not in each.name.lower()
    ]
    if not names:
        raise SourceError(
            f"{repository} has no .gguf file in one piece; look for a repository whose name ends "
            "in -GGUF"
        )
    for choice in [names, *([n for n in names if kind in n.lower()] for kind in PREFERRED)]:
        if len(choice) == 1:
            return HubFile(repository=repository, file=choice[0])
    raise SourceError(
        f"{repository} has several files and no single Q4_K_M or Q8_0: {', '.join(names)}; name "
        f"one as hf:{repository}:FILE"
    )


def _size(wanted: HubFile, files: list[_Listed]) -> int:
    for each in files:
        if each.name == wanted.file:
            return each.size or 0
    known = ", ".join(each.name for each in files if each.name.lower().endswith(".gguf"))
    raise SourceError(
        f"{wanted.repository} has no file {wanted.file}; it has {known or 'no .gguf file'}"
    )


def _list(repository: str, meter: ProgressMeter) -> list[_Listed]:
    meter.begin("fetching", _SOURCE, 0)
    return _run(("list", repository), lambda: meter.at(0)).files


def _run(arguments: tuple[str, ...], on_poll: "hub_child.OnPoll") -> _Answer:
    """Ask the child process; its last line of standard output is the answer."""
    if importlib.util.find_spec("huggingface_hub") is None:
        raise SourceError(
            "the package huggingface_hub is not installed (install spark-tui[hub], or give "
            "--from a URL or a folder)"
        )
    # -P: the folder of that file is no place to import from.
    command = (sys.executable, "-P", str(hub_child.__file__), *arguments)
    end = run_child(command, environment=hub_child.QUIET, on_poll=on_poll)
    end.require_room()
    if end.code:
        reason = (end.err.strip() or "no reason given").split("\n")[-1]
        raise SourceError(f"the hub could not give {arguments[1]} ({reason})")
    try:
        return msgspec.json.decode(end.out.strip().split("\n")[-1], type=_Answer)
    except msgspec.MsgspecError as error:
        raise SourceError(f"huggingface_hub answered strangely ({error})") from error
