"""Questions about Python, answered by a real process; what becomes of one that takes too long."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from tui.navigation import python_child
from tui.navigation.places import places_in
from tui.navigation.python_helper import Cursor, HelperError, PythonHelper

LIBRARY = 'def greet(name: str) -> str:\n    """Return a greeting."""\n    return name\n'
NOTHING = {"found": [], "remark": ""}
USER = "from library import greet\n\n\ngreet('x')\n"


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
async def helper() -> AsyncIterator[PythonHelper]:
    one = PythonHelper()
    yield one
    await one.close()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    top = tmp_path / "repo"
    top.mkdir()
    (top / "library.py").write_text(LIBRARY)
    (top / "user.py").write_text(USER)
    return top


def cursor(root: Path, text: str = USER, row: int = 3, column: int = 1) -> Cursor:
    return Cursor(root, root / "user.py", text, row, column)


async def test_definition_uses_and_meaning_of_a_name(helper: PythonHelper, root: Path) -> None:
    (place,) = places_in(await helper.ask("definition", cursor(root), 60))
    assert (place.path.name, place.row, place.column, place.name) == ("library.py", 0, 4, "greet")
    assert place.line == "def greet(name: str) -> str:"
    uses = places_in(await helper.ask("references", cursor(root), 60))
    assert {(each.path.name, each.row) for each in uses} == {
        ("library.py", 0), ("user.py", 0), ("user.py", 3),
    }  # fmt: skip
    meaning = await helper.ask("hover", cursor(root), 60)
    assert meaning["signatures"] == ["greet(name: str) -> str"]
    assert meaning["text"] == "Return a greeting."
    assert await helper.ask("hover", cursor(root, "x = nosuch\n", 0, 6), 60) is None


async def test_what_is_wrong_with_a_text(helper: PythonHelper, root: Path) -> None:
    found = await helper.ask("problems", cursor(root, "import os\nx = y\n"), 60)
    assert found == {
        "found": [
            [0, 0, None, "'os' imported but unused", False],
            [1, 4, None, "undefined name 'y'", False],
        ],
        "remark": "",
    }
    refusal = await helper.ask("problems", cursor(root, "x = 1\nif (:\n"), 60)
    ((row, column, _, _, refused),) = refusal["found"]
    assert (row, column, refused) == (1, 4, True)
    assert await helper.ask("problems", cursor(root, LIBRARY), 60) == NOTHING


async def test_none_of_the_code_is_run(helper: PythonHelper, root: Path) -> None:
    trap = f"open({str(root / 'ran')!r}, 'w')\n"
    (root / "library.py").write_text(trap + LIBRARY)
    (root / "sitecustomize.py").write_text(trap)
    (root / "json.py").write_text(trap)
    for kind in ("definition", "references", "hover", "problems"):
        await helper.ask(kind, cursor(root, trap + USER, 4, 1), 60)
    assert not (root / "ran").exists()


async def test_a_question_that_takes_too_long_is_given_up(helper: PythonHelper, root: Path) -> None:
    with pytest.raises(HelperError, match="no answer within 0 s"):
        await helper.ask("references", cursor(root), 0.0)
    assert places_in(await helper.ask("definition", cursor(root), 60))


async def test_a_question_nobody_waits_for_is_not_answered_to_the_next(
    helper: PythonHelper, root: Path
) -> None:
    asking = asyncio.ensure_future(helper.ask("references", cursor(root), 60))
    await asyncio.sleep(0.05)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert await helper.ask("problems", cursor(root, LIBRARY), 60) == NOTHING


async def test_a_process_that_ends_is_told_and_started_again(
    helper: PythonHelper, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/bin/true")
        with pytest.raises(HelperError, match="ended"):
            await helper.ask("problems", cursor(root, LIBRARY), 60)
    assert await helper.ask("problems", cursor(root, LIBRARY), 60) == NOTHING


async def test_syntax_trees_are_kept_only_where_nobody_else_can_write(
    helper: PythonHelper, root: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    cache.mkdir()
    cache.chmod(0o777)
    assert places_in(await helper.ask("definition", cursor(root), 60))
    assert not list((cache / "jedi").glob("**/*"))


@pytest.mark.parametrize("text", ["x = '\ud800'\nx\n", "x\0\n", "-" * 50_000 + "1", "(" * 5_000])
async def test_no_text_ends_the_process(helper: PythonHelper, root: Path, text: str) -> None:
    [problem] = (await helper.ask("problems", cursor(root, text, 0, 0), 60))["found"]
    assert problem[3]
    assert problem[4]
    with suppress(HelperError):  # an answer or a word about it
        await helper.ask("definition", cursor(root, text, 0, 0), 60)
    assert await helper.ask("definition", cursor(root), 60)


async def test_a_folder_whose_name_is_no_text_ends_nothing(
    helper: PythonHelper, tmp_path: Path
) -> None:
    odd = tmp_path / os.fsdecode(b"odd\xff")
    try:
        odd.mkdir()
    except OSError:
        pytest.skip("this file system has names in UTF-8 only")
    (odd / "library.py").write_text(LIBRARY)
    assert await helper.ask("problems", cursor(odd), 60) == NOTHING
    with suppress(HelperError):  # jedi takes no such name
        await helper.ask("definition", cursor(odd), 60)


async def test_no_text_of_a_repository_is_kept_on_the_disk(
    helper: PythonHelper, root: Path, tmp_path: Path
) -> None:
    (root / "library.py").write_text(f"TOKEN = 'hunter2'\n{LIBRARY}")
    for path in root.iterdir():
        os.utime(path, (0, 0))  # jedi keeps what has not changed of late
    text = f"import bisect\n{USER}\nbisect.bisect_left\n"
    assert await helper.ask("definition", cursor(root, text, 4, 1), 60)
    assert await helper.ask("definition", cursor(root, text, 6, 9), 60)
    kept = [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert any(path.suffix == ".pkl" for path in kept)  # of the library of Python
    assert not any(b"hunter2" in path.read_bytes() for path in kept)


async def test_what_is_no_plain_file_is_not_read(helper: PythonHelper, root: Path) -> None:
    os.mkfifo(root / "pipe.py")
    (root / "zero.py").symlink_to("/dev/zero")
    text = "import pipe, zero\nfrom library import greet\nzero.x\npipe.x\ngreet\n"
    for row in (2, 3):
        assert await helper.ask("definition", cursor(root, text, row, 5), 60) == []
    uses = places_in(await helper.ask("references", cursor(root, text, 4, 1), 60))
    assert (root / "library.py", 0) in {(each.path, each.row) for each in uses}


def test_a_folder_in_place_of_a_module_is_not_left_open(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[int] = []
    real = os.open

    def noted(path: str, flags: int) -> int:
        opened.append(real(path, flags))
        return opened[-1]

    monkeypatch.setattr(python_child.os, "open", noted)
    with pytest.raises(IsADirectoryError):
        python_child._plain_bytes(root)
    (descriptor,) = opened
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
