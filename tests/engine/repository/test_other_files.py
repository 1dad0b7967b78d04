from pathlib import Path
from time import perf_counter

import pytest

from engine.repository import other_files
from engine.repository.other_files import (
    MAX_CHARACTERS,
    MAX_CHUNKS,
    MAX_FILES,
    RULES_SECONDS,
    FileChunk,
    OtherFiles,
    outline,
)

MONEY = '''"""Money."""

from dataclasses import dataclass

RATE = 3


@dataclass
class Money:
    """An amount."""

    minor: int
    currency: str = "EUR"

    def add(
        self,
        other: "Money",
    ) -> "Money":
        total = self.minor + other.minor
        return Money(total)

    def _same(self, other):
        return True


def parse(text: str) -> Money:
    return Money(int(text))
'''


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "ledger").mkdir()
    (tmp_path / "ledger" / "money.py").write_text(MONEY)
    (tmp_path / "ledger" / "__init__.py").write_text("")
    return tmp_path


def shown(root: Path, path: str, text: str, patterns: tuple[str, ...] = ()) -> dict[str, str]:
    return {chunk.path: chunk.text for chunk in OtherFiles(root, patterns).outlines(path, text)}


def test_an_outline_of_a_name_has_its_fields_and_public_methods() -> None:
    assert outline(MONEY, ["Money"]).split("\n") == [
        "class Money:",
        "    minor: int",
        '    currency: str = "EUR"',
        '    def add(self, other: "Money") -> "Money":',
    ]


def test_blanks_before_a_closing_bracket_go_whatever_stands_there() -> None:
    assert outline("def f(\n    a,\n    b, \n) -> int:\n") == "def f(a, b) -> int:"
    assert outline("def f(\n\n) -> int:\n") == "def f() -> int:"


def test_a_line_of_nothing_but_blanks_does_not_stop_the_engine() -> None:
    """It was looked through again from each of its blanks."""
    text = f"def f(\n    a{' ' * 150_000}b\n):\n"
    began = perf_counter()
    outline(text)
    outline(f"def f(\n    a{', ' * 75_000}b\n):\n")
    assert perf_counter() - began < 2


def test_rules_that_change_are_heeded(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(other_files, "monotonic", lambda: now)
    files = OtherFiles(repository)
    text = "from ledger.money import parse\n"
    assert files.outlines("main.py", text)
    (repository / ".gitignore").write_text("money.py\n")
    now += RULES_SECONDS + 1
    assert not files.outlines("main.py", text)


def test_an_outline_of_several_names_has_them_in_order() -> None:
    lines = outline(MONEY, ["parse", "RATE", "unknown"]).split("\n")
    assert lines == ["def parse(text: str) -> Money:", "RATE = 3"]


def test_an_outline_without_a_known_name_has_all_definitions() -> None:
    lines = outline(MONEY, ["unknown"]).split("\n")
    assert [line.split("(")[0].strip() for line in lines] == [
        "class Money:",
        "def add",
        "def _same",
        "def parse",
    ]


def test_an_outline_has_whole_lines_up_to_its_limit() -> None:
    text = outline("".join(f"def function_{i}():\n    pass\n" for i in range(100)))
    assert MAX_CHARACTERS - 20 < len(text) <= MAX_CHARACTERS
    assert text.endswith("():")


@pytest.mark.parametrize(
    "line",
    [
        "from ledger.money import Money",
        "from ledger import money",
        "import ledger.money",
        "from .money import (\n    Money,\n    parse,\n)",
        "from ..ledger.money import Money as Amount",
    ],
)
def test_the_ways_of_python_to_import_a_file(repository: Path, line: str) -> None:
    found = shown(repository, "ledger/book.py", f'"""Books."""\n\n{line}\n\nx = 1\n')
    assert "class Money:" in found["ledger/money.py"]


def test_sources_in_a_folder_of_their_own(repository: Path) -> None:
    (repository / "src").mkdir()
    (repository / "ledger").rename(repository / "src" / "ledger")
    found = shown(repository, "tests/test_money.py", "from ledger.money import Money\n")
    assert list(found) == ["src/ledger/money.py"]


def test_scripts_and_headers(tmp_path: Path) -> None:
    (tmp_path / "web").mkdir()
    (tmp_path / "web" / "cart.ts").write_text("export function total(items: Item[]): number {\n")
    (tmp_path / "list.h").write_text("struct list {\n  int n;\n};\n")
    script = 'import { total } from "../web/cart";\n'
    assert list(shown(tmp_path, "web/page.ts", script)) == ["web/cart.ts"]
    assert list(shown(tmp_path, "list.c", '#include "list.h"\n#include <stdio.h>\n')) == ["list.h"]
    assert shown(tmp_path, "page.ts", 'import x from "../../secret";\n') == {}


@pytest.mark.parametrize("name", ["id_rsa.py", "hidden.py", "mine.py"])
def test_private_and_ignored_files_are_not_read(tmp_path: Path, name: str) -> None:
    (tmp_path / ".gitignore").write_text("hidden.py\n")
    for folder in (tmp_path, tmp_path / ".ssh"):
        folder.mkdir(exist_ok=True)
        (folder / name).write_text("def key(): ...\n")
    module = name.removesuffix(".py")
    found = shown(tmp_path, "a.py", f"import {module}\nfrom .ssh import {module}\n", ("mine.*",))
    assert set(found) <= ({"id_rsa.py"} if name == "id_rsa.py" else set())


def test_a_file_does_not_show_itself_nor_more_than_a_few(repository: Path) -> None:
    for i in range(2 * MAX_FILES):
        (repository / f"m{i}.py").write_text(f"def f{i}(): ...\n")
    text = "".join(f"import m{i}\n" for i in range(2 * MAX_FILES))
    found = shown(repository, "m0.py", text)
    assert list(found) == [f"m{i}.py" for i in range(1, MAX_FILES + 1)]


def test_a_changed_file_is_read_again(repository: Path) -> None:
    files = OtherFiles(repository)
    text = "from ledger.money import parse\n"
    assert "text: str" in files.outlines("a.py", text)[0].text
    (repository / "ledger" / "money.py").write_text("def parse(line: bytes): ...\n")
    assert "line: bytes" in files.outlines("a.py", text)[0].text


# ── chunks that a client brings along ───────────────────────────────────────────────────────


def brought(root: Path, *paths: str, path: str = "main.py", patterns: tuple[str, ...] = ()):
    chunks = [FileChunk(each, "text\n") for each in paths]
    return [chunk.path for chunk in OtherFiles(root, patterns).readable(path, chunks)]


def test_chunks_of_other_files_may_be_used_in_their_order(repository: Path) -> None:
    (repository / "a.py").write_text("a = 1\n")
    assert brought(repository, "ledger/money.py", "a.py") == ["ledger/money.py", "a.py"]
    assert brought(repository, "a.py", "a.py") == ["a.py", "a.py"]
    assert brought(repository, "a.py", path="a.py") == []


def test_chunks_of_private_and_ignored_files_and_links_are_left_out(repository: Path) -> None:
    for name in (".env", "own.py", "built.py", "a.py", "secrets.json"):
        (repository / name).write_text("a = 1\n")
    (repository / "link.py").symlink_to(repository / "a.py")
    (repository / ".gitignore").write_text("built.py\n")
    names = (".env", "own.py", "built.py", "link.py", "secrets.json", "gone.py", "a.py")
    assert brought(repository, *names, patterns=("own.py",)) == ["a.py"]


def test_chunks_from_outside_the_repository_are_left_out(repository: Path) -> None:
    outside = repository.parent / "outside.py"
    outside.write_text("a = 1\n")
    up = f"../{outside.name}"
    assert brought(repository, str(outside), up, f"ledger/../{up}", "", "/", ".") == []


def test_only_the_first_chunks_count(repository: Path) -> None:
    names = [f"file{i}.py" for i in range(MAX_CHUNKS + 2)]
    for name in names:
        (repository / name).write_text("a = 1\n")
    assert brought(repository, *names) == names[:MAX_CHUNKS]
