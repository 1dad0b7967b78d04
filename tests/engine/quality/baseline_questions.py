"""A corpus of a few texts, and questions about them, for the tests of the baselines."""

from pathlib import Path

from engine.quality.answers import Answerer, Question
from engine.quality.corpus import Corpus, SourceFile

ROOT = Path("/data/a")


def corpus(**texts: str) -> Corpus:
    """Return one repository with a file for each text."""
    return Corpus(tuple(SourceFile(ROOT, f"{name}.py", text) for name, text in texts.items()), {})


def ask(
    answerer: Answerer, prefix: str, suffix: str = "", *, path: str = "x.py", lines: bool = False
) -> str:
    """Return the answer at a cursor in a file of the repository."""
    return answerer.answer(Question(ROOT, path, prefix, suffix, multi_line=lines)).text
