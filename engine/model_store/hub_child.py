"""Asks the Hugging Face hub through `huggingface_hub`: the program of a child process.

``hub_child.py list REPOSITORY`` and ``hub_child.py fetch REPOSITORY FILE FOLDER`` print one line of
JSON.  Imports nothing of ours, so that it can run as a plain file.
"""

import json
import sys
from collections.abc import Callable
from pathlib import Path

__all__ = ["QUIET", "OnPoll"]

OnPoll = Callable[[], None]

QUIET = {"HF_HUB_DISABLE_PROGRESS_BARS": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}
"""Variables with which the package neither draws nor reports what it does."""


def _list(repository: str) -> dict[str, object]:
    from huggingface_hub import HfApi

    found = HfApi().model_info(repository, files_metadata=True)
    files = [{"name": each.rfilename, "size": each.size} for each in found.siblings or ()]
    return {"files": files}


def _fetch(repository: str, file: str, folder: str) -> dict[str, object]:
    from huggingface_hub import hf_hub_download

    path = hf_hub_download(repository, file, local_dir=folder)
    return {"path": str(Path(path).resolve())}


def _main(arguments: list[str]) -> int:
    command, *rest = arguments
    try:
        answer = _list(*rest) if command == "list" else _fetch(*rest)
    except Exception as error:
        text = " ".join(str(error).split()) or "no reason given"
        print(f"{type(error).__name__}: {text[:300]}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
