from pathlib import Path

import numpy as np
import pytest

from engine.knowledge.tuning import EXPERTS, Tuning
from engine.protocol.completion import CompletionRequest
from engine.session import Session
from tests.canned import VOCABULARY, CannedWafer, session_on

LINE = "        return self.width * self.height\n"
OTHER = "class A:\n    def area(self):\n" + LINE


def tuning(weight: float = 0.0, threshold: float | None = None) -> Tuning:
    """Coefficients with which every expert that speaks weighs e^weight times the model."""
    mixture = {
        expert: dict.fromkeys(names, 0.0) | {"one": weight, "purity": weight}
        for expert, names in EXPERTS.items()
    }
    for expert in ("buffer", "repository"):
        del mixture[expert]["one"]
    del mixture["lines"]["purity"]
    return Tuning(mixture, threshold, "", {})


def session(text: str, own: Tuning | None) -> Session:
    return session_on(CannedWafer(text), own)


def request(
    root: Path | None, prefix: str = "class B(A):\n    def area(self):\n        ", **options
):
    return CompletionRequest(
        "b.py", prefix, "\n", multi_line=False, repository=root and str(root), **options
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "a.py").write_text(OTHER)
    (tmp_path / "b.py").write_text("class B(A):\n    def area(self):\n        answer_on_disk\n")
    return tmp_path


def test_without_a_repository_or_a_tuning_the_model_writes_alone(repository: Path) -> None:
    plain = session("pass", None).complete(request(None))
    assert (plain.text, plain.repository) == ("pass", None)
    assert session("pass", tuning(9.0)).complete(request(None)).text == plain.text
    assert session("pass", None).complete(request(repository)).text == plain.text


def test_weight_0_leaves_the_models_choice(repository: Path) -> None:
    one = session("pass", tuning(-30.0))
    one.read_repository(str(repository))
    completion = one.complete(request(repository))
    assert completion.text == "pass"
    assert completion.repository.changed == 0.0
    assert completion.repository.mean_weight < 1e-4


def test_the_repository_writes_and_says_what_it_contributed(repository: Path) -> None:
    one = session("pass", tuning(30.0))
    stats = one.read_repository(str(repository))
    assert stats.files == 2
    completion = one.complete(request(repository))
    assert completion.text == LINE.strip()
    assert completion.finish_reason == "stop"
    assert completion.repository.files == 2
    assert completion.repository.changed > 0.9
    assert completion.repository.mean_weight > 0.9
    assert one.complete(request(repository)).text == completion.text


def test_the_file_on_disk_is_not_consulted(repository: Path) -> None:
    (repository / "a.py").unlink()
    one = session("pass", tuning(30.0))
    one.read_repository(str(repository))
    assert "answer_on_disk" not in one.complete(request(repository)).text


def test_the_mean_log_probability_decides_what_is_shown() -> None:
    # The canned model gives its token a logit of 9 above all others.
    certain = -np.log(1 + (VOCABULARY - 1) * np.exp(-9.0))
    low, high = tuning(threshold=certain - 0.01), tuning(threshold=certain + 0.01)
    completion = session("pass", low).complete(request(None))
    assert completion.mean_logprob == pytest.approx(certain, abs=1e-4)
    assert completion.shown
    hidden = session("pass", high).complete(request(None))
    assert (hidden.text, hidden.shown) == ("pass", False)
    assert not session("", low).complete(request(None)).shown


def test_a_score_is_the_probability_of_each_token(repository: Path) -> None:
    certain = np.log2(1 + (VOCABULARY - 1) * np.exp(-9.0))
    score = session("pass", None).score(request(None), "pass")
    assert score.tokens == 4
    assert score.bits == pytest.approx(4 * certain, abs=1e-4)
    mixed = session("pass", tuning(30.0))
    mixed.read_repository(str(repository))
    likely, unlikely = (mixed.score(request(repository), t) for t in (LINE.strip(), "pass"))
    assert likely.bits / likely.tokens < unlikely.bits / unlikely.tokens
