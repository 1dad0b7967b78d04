"""Answers questions about Python code in a process of its own: jedi for names, ruff for faults.

Reads one JSON object a line from standard input and writes one a line to standard output, in the
same order, with the question's ``id``.  Runs none of the code it is asked about, keeps none of it
on the disk, and reads plain files alone.  Where there is no ruff, pyflakes looks for faults.  It is
started as a file (`tui.navigation.python_helper`) and imports nothing of ours.
"""

import ast
import atexit
import contextlib
import json
import os
import resource
import shutil
import stat
import subprocess
import sys
import sysconfig
import tempfile
import warnings
from collections.abc import Callable, Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

MAX_PLACES = 2_000
"""Most places in an answer."""
MAX_WORDS = 4_000
"""Most characters of a documentation."""
RUFF_SECONDS = 5.0
"""Longest time that ruff may take for one text; it takes some hundredths."""

_MAX_FILE_BYTES = 8_000_000
"""Larger files are not read: programs wrote them."""
_MAX_REMARK = 300
_MAX_MEMORY = 4 << 30
"""Bytes of addresses; what takes more gets no answer."""

Question = dict[str, Any]


def definition(question: Question) -> Any:
    """Return where the name at the cursor is defined; several places if that is not certain."""
    script, line, column = _script(question)
    names = script.goto(line, column, follow_imports=True, follow_builtin_imports=True)
    names = names or script.infer(line, column)
    return _places(names, question)


def references(question: Question) -> Any:
    """Return where the name at the cursor is used in the repository, its definition included."""
    script, line, column = _script(question)
    names = script.get_references(line, column, include_builtins=False, scope="project")
    return _places(names, question)


def hover(question: Question) -> Any:
    """Return signature and documentation of the name at the cursor."""
    script, line, column = _script(question)
    names = script.help(line, column) or script.infer(line, column)
    if not names:
        return None
    name = names[0]
    signatures = [signature.to_string() for signature in name.get_signatures()]
    return {
        "kind": name.type,
        "name": name.full_name or name.name,
        "signatures": signatures[:8] or [name.description[:MAX_WORDS]],
        "text": name.docstring(raw=True)[:MAX_WORDS],
    }


def problems(question: Question) -> Any:
    """Return what is wrong with a text, and a remark about ruff where it did not look.

    A problem is its row, first column, the column after its last where that is in the same row,
    words, and whether Python refuses the text because of it.
    """
    os.setpriority(os.PRIO_PROCESS, 0, 10)  # nobody waits for it as for a key
    remark = ""
    if question["ruff"]:
        try:
            return {"found": _ruff_problems(question)[:MAX_PLACES], "remark": ""}
        except subprocess.TimeoutExpired:
            why = f"no answer within {RUFF_SECONDS:.0f} s"
        except (OSError, ValueError, LookupError, TypeError) as error:
            why = str(error)[:_MAX_REMARK]
        remark = f"ruff did not look at this file, pyflakes did: {why}"
    return {"found": _pyflakes_problems(question)[:MAX_PLACES], "remark": remark}


def _ruff_problems(question: Question) -> list[list[Any]]:
    """Return what ruff says of a text, by the configuration that belongs to its file.

    It works in no folder of the repository, and writes nothing.

    Raises:
        OSError: It cannot be started.
        TimeoutExpired: It took too long.
        ValueError: It failed; says why, in its own words.
        LookupError, TypeError: It speaks another language than we know.
    """
    command = [
        question["ruff"], "check", "--quiet", "--no-fix", "--no-cache", "--force-exclude",
        "--output-format=json", f"--stdin-filename={question['path']}", "-",
    ]  # fmt: skip
    done = subprocess.run(
        command, input=question["text"].encode("utf-8", "replace"), capture_output=True, cwd="/",
        env={name: value for name, value in os.environ.items() if name != "RUFF_OUTPUT_FILE"},
        timeout=RUFF_SECONDS, check=False,
    )  # fmt: skip
    if done.returncode not in (0, 1):
        words = done.stderr.decode("utf-8", "replace").split()
        raise ValueError(" ".join(words) or f"it ended with {done.returncode}")
    return [_ruff_problem(each) for each in json.loads(done.stdout or b"[]")]


def _ruff_problem(found: Any) -> list[Any]:
    row, column = found["location"]["row"] - 1, found["location"]["column"] - 1
    last = found["end_location"]
    end = last["column"] - 1 if last["row"] - 1 == row else None
    code = found["code"]
    refused = code in (None, "invalid-syntax")
    words = found["message"][:MAX_WORDS]
    return [row, column, end, words if refused else f"{words} ({code})", refused]


def _pyflakes_problems(question: Question) -> list[list[Any]]:
    from pyflakes import checker

    text = question["text"]
    try:
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        row, column = getattr(error, "lineno", 1) or 1, getattr(error, "offset", 1) or 1
        words = getattr(error, "msg", None) or str(error) or type(error).__name__
        return [[row - 1, max(0, column - 1), None, words, True]]
    found = checker.Checker(tree, filename=question["path"])
    return [
        [each.lineno - 1, each.col, None, each.message % each.message_args, False]
        for each in sorted(found.messages, key=lambda each: (each.lineno, each.col))
    ]


def _script(question: Question) -> tuple[Any, int, int]:
    """Return jedi's view of a text, and the cursor in it."""
    jedi = _confined_jedi()
    jedi.settings.cache_directory = question["cache"] or _temporary_folder()
    project = jedi.Project(
        question["root"],
        added_sys_path=question["packages"],
        load_unsafe_extensions=False,  # a compiled module of the repository would run
    )
    script = jedi.Script(
        question["text"],
        path=question["path"],
        project=project,
        environment=jedi.InterpreterEnvironment(),  # starts no Python of the repository
    )
    return script, question["row"] + 1, question["column"]


@lru_cache(maxsize=1)
def _temporary_folder() -> str:
    """Return a folder of this process alone, which goes with it."""
    folder = tempfile.mkdtemp(prefix="spark-tui-jedi-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def _places(names: Iterable[Any], question: Question) -> list[dict[str, Any]]:
    """Return the places of names that are in a file; the text that was asked about has no other."""
    found = []
    for name in list(names)[:MAX_PLACES]:
        if name.module_path is not None and name.line is not None:
            line = name.get_line_code().rstrip("\r\n")
            place = {"path": str(Path(name.module_path)), "row": name.line - 1, "line": line}
            found.append(place | {"column": name.column, "name": name.name})
    return found


# ── what jedi may read and keep ─────────────────────────────────────────────────────────────────


@lru_cache(maxsize=1)
def _confined_jedi() -> Any:
    """Return jedi, which reads plain files only and keeps trees of Python's own files only.

    A syntax tree holds the whole text of its file, and that of a repository is for memory.
    """
    import jedi
    import parso

    files: Any = parso.file_io
    grammar: Any = parso.grammar
    files.FileIO.read = lambda self: _plain_bytes(self.path)
    save = grammar.try_to_save_module

    def save_or_not(grammar_hash: str, file: Any, *tree: Any, pickling: bool, **kept: Any) -> None:
        save(grammar_hash, file, *tree, pickling=pickling and _is_installed(file.path), **kept)

    grammar.try_to_save_module = save_or_not
    return jedi


def _plain_bytes(path: str | os.PathLike[str]) -> bytes:
    """Return what a file holds; for what is no plain file of a sensible size, as if none was there.

    Raises:
        FileNotFoundError: There is none.
    """
    with open(path, "rb", opener=lambda name, flags: os.open(name, flags | os.O_NONBLOCK)) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size > _MAX_FILE_BYTES:
            raise FileNotFoundError(path)
        return file.read(_MAX_FILE_BYTES)


def _is_installed(path: str | os.PathLike[str] | None) -> bool:
    """Return whether a file belongs to the Python that runs this, or to a package in it."""
    folders = {sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")}
    return path is not None and any(Path(path).is_relative_to(folder) for folder in folders)


def _limit_memory() -> None:
    most = resource.getrlimit(resource.RLIMIT_AS)[1]
    limit = _MAX_MEMORY if most == resource.RLIM_INFINITY else min(_MAX_MEMORY, most)
    with contextlib.suppress(OSError, ValueError):  # macOS knows no such limit
        resource.setrlimit(resource.RLIMIT_AS, (limit, most))


# ── the conversation ────────────────────────────────────────────────────────────────────────────

_ANSWERS: dict[str, Callable[[Question], Any]] = {
    each.__name__: each for each in (definition, references, hover, problems)
}


def main() -> None:
    """Answer until the input ends."""
    _limit_memory()
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is no answer
    for line in sys.stdin:
        question = json.loads(line)
        reply: dict[str, Any] = {"id": question["id"]}
        try:
            reply["answer"] = _ANSWERS[question["kind"]](question)
        except Exception as error:  # of jedi: it is asked about unfinished code
            reply["problem"] = f"{type(error).__name__}: {error}"[:300]
        answers.write(json.dumps(reply) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
