from pathlib import Path

import msgspec
import pytest

from engine.errors import ModelError
from engine.knowledge.tuning import EXPERTS, neutral_tuning
from engine.quality import knowledge_fit
from engine.quality.knowledge_fit import FitPlan, fit, fit_session
from engine.session import Session
from engine.sweep import fit_workers
from engine.sweep.fit_workers import FitWorkers
from tests.canned import CannedWafer, canned_machine_info, canned_model_info
from tests.engine_tokenizers import byte_tokenizer

PLAN = FitPlan(questions=8, judged=50, seed=1)


@pytest.fixture
def session(tmp_path: Path, monkeypatch) -> Session:
    """A canned model whose weights are a file."""
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path / "state"))
    (tmp_path / "weights.gguf").write_bytes(b"weights")
    info = canned_model_info()
    info = msgspec.structs.replace(info, folder=str(tmp_path / "weights.gguf"), weight_bytes=7)
    wafer = CannedWafer("return 1", context_length=4096)
    return Session(info, canned_machine_info(), byte_tokenizer(), wafer, None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Two packages in which every function says the same."""
    for name in ("one", "two"):
        (tmp_path / "data" / name).mkdir(parents=True)
        functions = [f"def {name}_{i}(value):\n    return value + {i}\n\n\n" for i in range(30)]
        (tmp_path / "data" / name / "module.py").write_text("".join(functions))
    return tmp_path / "data"


def test_a_repetitive_package_gives_the_experts_a_part(session: Session, data: Path) -> None:
    done: list[tuple[str, int, int]] = []
    tuning = fit_session(session, data, PLAN, lambda *item: done.append(item))
    assert tuning.mixture.keys() == EXPERTS.keys()
    facts = tuning.fitted_on
    assert facts["packages"] == ["one", "two"]
    assert facts["nats_per_token_mixed"] < facts["nats_per_token_model"]
    assert tuning.threshold is None  # fewer answers than tell anything
    assert done[0] == ("dictated", 1, 8)
    assert done[-1][0] == "answered"


def test_the_numbers_are_kept_for_the_user_and_know_their_weights(
    session: Session, data: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.setattr(knowledge_fit.Session, "open", lambda model, threads: session)
    fitted = fit("canned", data, PLAN)
    assert fitted.path == tmp_path / "state" / "knowledge" / "canned.json"
    assert fitted.tuning.weight_bytes == 7
    assert msgspec.json.decode(fitted.path.read_bytes(), type=type(fitted.tuning)) == fitted.tuning


class Backwards:
    """Does tasks in this process, the last one first."""

    name = "this process"

    def answers(self, function, tasks):
        for task in reversed([*tasks]):
            yield task, function(task)


def test_many_answerers_fit_the_same_numbers(session: Session, data: Path, monkeypatch) -> None:
    opened: list[str | None] = []
    monkeypatch.setattr(fit_workers, "_session", lambda model: opened.append(model) or session)
    monkeypatch.setattr(knowledge_fit.Session, "open", lambda model, threads: session)
    monkeypatch.setattr(Session, "close", lambda session: None)
    itself = fit("canned", data, PLAN).tuning
    done: list[tuple[str, int, int]] = []
    many = FitWorkers("canned", Backwards())
    fitted = fit("canned", data, PLAN, answerer=many, on_item=lambda *one: done.append(one))
    assert fitted.tuning == itself
    assert set(opened) == {"canned"}
    assert done[0] == ("dictated", 1, 8)
    assert done[-1][1] == done[-1][2] == len(opened) - 8


def test_a_folder_without_code_is_refused(session: Session, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelError, match="empty: too little Python code"):
        fit_session(session, tmp_path / "empty", PLAN)


def test_a_threshold_alone_needs_a_mixture(session: Session, data: Path) -> None:
    with pytest.raises(ModelError, match="canned has no fitted mixture"):
        fit_session(session, data, FitPlan(8, 50, 1, only_threshold=True))
    knowledge_fit.write_user_tuning("canned", neutral_tuning())
    tuning = fit_session(session, data, FitPlan(8, 50, 1, only_threshold=True))
    assert tuning.mixture == neutral_tuning().mixture
