"""`scripts/bench_second.py`: the account of passes, with canned models."""

import json
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.protocol.completion import CompletionRequest
from scripts import bench_second


class Canned:
    """A model that writes four tokens, and guesses three of them where it heard its own text."""

    def __init__(self, text: str, other: str = "") -> None:
        self.text, self.other = text, other
        self.heard: list[str] = []

    def complete(self, request: CompletionRequest) -> Any:
        """Answer."""
        self.heard.append(request.expected)
        text = (self.other or self.text) if request.expected else self.text
        right = 3 if request.expected == self.text else 0
        host = SimpleNamespace(accepted_tokens=right)
        return SimpleNamespace(text=text, completion_tokens=4, host=host)


@pytest.fixture
def run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[[Canned, Canned], Any]:
    """Returns what the script prints last, with two models."""
    (tmp_path / "a.py").write_text("value = 1\n" * 40)

    def run(large: Canned, small: Canned) -> Any:
        models = {"large": large, "small": small}
        monkeypatch.setattr(
            bench_second, "Session", SimpleNamespace(open=lambda name, *_, **__: models[name])
        )
        bench_second.main(
            ["--model", "large", "--second", "small", "--lines", "6", "--texts", str(tmp_path)]
        )
        return json.loads(capsys.readouterr().out.splitlines()[-1])

    return run


def test_a_right_guess_saves_passes(run: Callable[[Canned, Canned], Any]) -> None:
    large = Canned("a + b")
    found = run(large, Canned("a + b"))
    assert (found["lines"], found["tokens"], found["same"]) == (6, 24, 6)
    assert (found["passes_alone"], found["passes_with"], found["passes_ratio"]) == (24, 6, 0.25)
    # Each place: once to read the prompt, then both, in turns first.
    assert large.heard[:6] == ["", "", "a + b", "", "a + b", ""]


def test_a_wrong_guess_saves_none(run: Callable[[Canned, Canned], Any]) -> None:
    found = run(Canned("a + b"), Canned("c"))
    assert (found["passes_ratio"], found["same"]) == (1.0, 0)


def test_another_text_is_an_error(run: Callable[[Canned, Canned], Any]) -> None:
    with pytest.raises(AssertionError, match="differ"):
        run(Canned("a", other="b"), Canned("a"))
