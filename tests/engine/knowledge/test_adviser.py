from pathlib import Path

import numpy as np
import pytest

from engine.knowledge import adviser as module
from engine.knowledge.advice import Advice
from engine.knowledge.adviser import KEPT_BUFFERS, Adviser
from engine.knowledge.mixture import Certainty
from engine.knowledge.text_index import TextIndex
from engine.knowledge.tuning import EXPERTS, Tuning
from tests.engine_tokenizers import byte_tokenizer

BYTES = byte_tokenizer()
FLAT = Certainty.of(np.full(BYTES.vocabulary, 1 / BYTES.vocabulary))


@pytest.fixture
def adviser() -> Adviser:
    return adviser_for("python")


def adviser_for(language: str) -> Adviser:
    mixture = {expert: dict.fromkeys(names, 0.0) for expert, names in EXPERTS.items()}
    return Adviser(BYTES, Tuning(mixture, None, "", {}), language, np.array([0]))


def advise(adviser: Adviser, root: Path, prefix: str, suffix: str = "", path: str = "x.py"):
    library = adviser.read(str(root), ())
    context = BYTES.encode_part(prefix)
    return adviser.advise(library, path, prefix, suffix, context, b"", one_line=True)


def buffer_guess(advice: Advice) -> bytes | None:
    """The best guess of the buffer's n-grams."""
    forecast = advice.opinion(FLAT).forecasts[0]
    return forecast and BYTES.token_bytes(forecast.top)


def repository_guess(advice: Advice) -> bytes | None:
    forecast = advice.opinion(FLAT).forecasts[1]
    return forecast and BYTES.token_bytes(forecast.top)


# ── the buffer ──────────────────────────────────────────────────────────────────────────────


def test_the_lines_above_and_below_advise(adviser: Adviser, tmp_path: Path):
    assert buffer_guess(advise(adviser, tmp_path, "q7\nq")) == b"7"
    assert buffer_guess(advise(adviser, tmp_path, "q", "\nq7\n")) == b"7"


def test_the_cursors_own_line_does_not(adviser: Adviser, tmp_path: Path):
    assert buffer_guess(advise(adviser, tmp_path, "q7 q")) is None
    assert buffer_guess(advise(adviser, tmp_path, "q", "7 q7\n")) is None


def test_the_lines_above_and_below_are_two_texts(adviser: Adviser, tmp_path: Path):
    assert buffer_guess(advise(adviser, tmp_path, "q\nx\nq", "\n7")) == b"\n"


def test_the_buffers_lines_come_before_those_of_other_files(adviser: Adviser, tmp_path: Path):
    (tmp_path / "y.py").write_text("above\nq=7\n")
    advice = advise(adviser, tmp_path, "above\nq=8\nabove\nq=")
    (*_, lines) = advice.opinion(FLAT).forecasts
    assert BYTES.token_bytes(lines.top) == b"8"


def test_only_the_text_near_the_cursor_is_indexed(
    adviser: Adviser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "PREFIX_CHARACTERS", 4)
    monkeypatch.setattr(module, "SUFFIX_CHARACTERS", 4)
    assert buffer_guess(advise(adviser, tmp_path, "q7\nabc\nq")) is None
    assert buffer_guess(advise(adviser, tmp_path, "q", "\nabc\nq7\n")) is None
    assert buffer_guess(advise(adviser, tmp_path, "a\nq7\nq")) == b"7"
    assert buffer_guess(advise(adviser, tmp_path, "q", "\nq7\n")) == b"7"


def test_the_same_surroundings_are_indexed_once(
    adviser: Adviser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made: list[str] = []

    class Counted(TextIndex):
        def __init__(self, tokenizer, texts):
            made.append(dict(texts)["above"])
            super().__init__(tokenizer, texts)

    monkeypatch.setattr(module, "TextIndex", Counted)
    for typed in ("", "a", "ab"):  # a line is being typed
        advise(adviser, tmp_path, f"above\n{typed}", "rest\nbelow")
    assert made == ["above\n"]
    advise(adviser, tmp_path, "above\n", "\nother below")
    assert made == ["above\n"] * 2


def test_the_surroundings_used_last_are_kept(
    adviser: Adviser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    made: list[str] = []

    class Counted(TextIndex):
        def __init__(self, tokenizer, texts):
            made.append(dict(texts)["above"].strip())
            super().__init__(tokenizer, texts)

    monkeypatch.setattr(module, "TextIndex", Counted)
    names = [f"n{i}" for i in range(KEPT_BUFFERS)]
    for name in [*names, names[0], "another", names[0], names[1]]:
        advise(adviser, tmp_path, f"{name}\n")
    # The first was used again, so that the second had to go for another one.
    assert made == [*names, "another", names[1]]


# ── the repository ──────────────────────────────────────────────────────────────────────────


def test_the_other_files_advise_and_the_file_on_disk_does_not(adviser: Adviser, tmp_path: Path):
    (tmp_path / "x.py").write_text("q7\n")
    assert repository_guess(advise(adviser, tmp_path, "q")) is None
    (tmp_path / "y.py").write_text("q8\n")
    assert repository_guess(advise(adviser, tmp_path, "q")) == b"8"


def test_a_library_is_kept_while_the_repository_is_the_same(adviser: Adviser, tmp_path: Path):
    (tmp_path / "a").mkdir()
    library = adviser.library(str(tmp_path), ())
    assert adviser.library(str(tmp_path / "a" / ".."), ()) is library
    assert adviser.library(str(tmp_path), ("a/",)) is not library
    assert adviser.library(str(tmp_path / "a"), ("a/",)).root == (tmp_path / "a").resolve()


def test_private_patterns_reach_the_library(adviser: Adviser, tmp_path: Path):
    (tmp_path / "x.py").write_text("a = 1\n")
    assert adviser.read(str(tmp_path), ()).files == 1
    assert adviser.read(str(tmp_path), ("x.*",)).files == 0


@pytest.mark.parametrize(("language", "read"), [("python", 2), ("any", 4)])
def test_a_model_reads_the_files_of_its_language(tmp_path: Path, language: str, read: int):
    for name in ("a.py", "b.pyi", "c.rs", "d.md", "e.bin"):
        (tmp_path / name).write_text(f"{name}\n")
    assert adviser_for(language).read(str(tmp_path), ()).files == read


def test_asking_for_advice_starts_an_update_and_does_not_wait(
    adviser: Adviser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    library = adviser.library(str(tmp_path), ())
    asked: list[str] = []
    monkeypatch.setattr(library, "freshen", asked.append)
    adviser.advise(library, "b/x.py", "", "", [], b"", one_line=True)
    assert asked == ["b/x.py"]
