"""A whole run with a tiny model: what it reads, learns, keeps, refuses, and survives."""

import errno
import os
import random
import signal
from pathlib import Path
from types import SimpleNamespace

import msgspec
import numpy as np
import pytest
import safetensors.numpy

from engine.adapting import adapter, learning, task, verdict
from engine.adapting.adapter import adapt
from engine.adapting.candidate import write_gguf_candidate
from engine.errors import AdaptError, StoreError
from engine.knowledge.fitting import Observed
from engine.knowledge.tuning import EXPERTS, load_tuning, neutral_tuning, write_tuning
from engine.model.load import load_model
from engine.model_list import list_models
from engine.model_store import adapted_models, find_model, remove, verify
from engine.model_store.adapted import adapted_folder
from engine.model_store.digests import weights_sha256
from engine.model_store.shelf import locked, work_folder
from engine.quality.answers import CursorAnswer
from engine.training.low_rank import adapted_matrix, new_factors
from engine.training.pullback import UP
from engine.training.trainer import matrices_of_layers
from tests.engine.adapting.conftest import PLAN, module_text, write_repository
from tests.tiny_gguf import write_tiny_gguf

NAME = "tiny+shop"


class Killed(BaseException):
    """Somebody wants the run no longer."""


class FakeAnswers:
    """Answers as a session of its name does: the one that has learnt knows every line."""

    knows_before, knows_after = False, True

    def __init__(self, session, *, repository, secret_patterns=()):
        assert repository, "questions are asked as the app asks"
        self._learnt = "+" in session.name
        self.secret_patterns = secret_patterns

    def prepare(self, root: Path) -> None:
        assert root.is_dir()

    def answer(self, question) -> CursorAnswer:
        known = self.knows_after if self._learnt else self.knows_before
        whole = (question.root / question.path).read_text()
        end = len(whole) - len(question.suffix)
        return CursorAnswer(whole[len(question.prefix) : end] if known else "?")


def one_token(bits: float) -> Observed:
    """A question with one right token of so many bits by the model; no expert says anything."""
    width = len(EXPERTS["lines"])
    held = np.array([[2.0**-bits, 0.0, 0.0, 0.0]])
    nobody = np.zeros((1, len(EXPERTS)), bool)
    return Observed(held, np.ones((1, 4)), np.zeros((1, len(EXPERTS), width)), nobody)


def fake_observed(session, items, private_patterns, on_item) -> list[Observed]:
    """What has learnt finds right answers likelier."""
    for _ in items:
        on_item()
    return [one_token(1.0 if "+" in session.name else 2.0)] * len(items)


@pytest.fixture(autouse=True)
def sessions(monkeypatch):
    """Sessions that open nothing; `FakeAnswers` answers in their place."""

    def opened(model, threads):
        load_model(Path(model))  # it is whole
        return SimpleNamespace(name=Path(model).name, close=lambda: None)

    monkeypatch.setattr(adapter, "Session", SimpleNamespace(open=opened))
    monkeypatch.setattr(verdict, "ModelAnswers", FakeAnswers)
    monkeypatch.setattr(adapter, "observe_answers", fake_observed)


def files_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_what_is_better_is_kept_beside_the_other_models(repository, model, store) -> None:
    before = files_below(repository)
    told = []
    ended = adapt(repository, PLAN, model=model, report=told.append)
    assert ended.kept
    assert ended.why.startswith("better on files it has not learnt: ")
    assert ended.path == str(store / NAME)
    assert files_below(repository) == before
    (kept,) = adapted_models()
    assert (kept.name, kept.note.base, kept.note.repository) == (NAME, "tiny", str(repository))
    assert kept.note.figures == ended.figures
    assert all(file.state == "right" for file in verify(NAME))
    assert load_model(kept.path).verified
    assert not work_folder(NAME).exists()
    assert {progress.stage for progress in told} == {
        "reading", "learning", "choosing", "judging"
    }  # fmt: skip
    figures = ended.figures
    assert figures["bits_per_byte"]["after"] < figures["bits_per_byte"]["before"]
    assert figures["bits_per_byte"]["ratio_ci"][0] > 1.0
    assert figures["mid"]["gained"] == figures["mid"]["n"] > 30
    assert figures["line"]["n"] == 5
    losses = dict(ended.watched_loss)
    assert len(losses) == len(ended.watched_loss)  # once a step
    assert losses[ended.steps] < losses[0]


def test_the_kept_weights_are_those_that_were_judged(repository, model, monkeypatch) -> None:
    seen = {}

    def opened(place, threads):
        seen[Path(place).name] = load_model(Path(place)).tensors
        return SimpleNamespace(name=Path(place).name, close=lambda: None)

    monkeypatch.setattr(adapter, "Session", SimpleNamespace(open=opened))
    adapt(repository, PLAN, model=model)
    kept = load_model(adapted_folder(NAME)).tensors
    changed = 0
    for name, tensor in kept.items():
        assert (tensor.dequantise() == seen[NAME][name].dequantise()).all()
        changed += (tensor.dequantise() != seen["tiny"][name].dequantise()).any()
    assert changed == len(kept)


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [(True, True, "mid did not improve"), (True, False, "mid did not improve")],
)
def test_what_answers_no_better_is_refused(
    repository, model, store, monkeypatch, before, after, why
) -> None:
    monkeypatch.setattr(FakeAnswers, "knows_before", before)
    monkeypatch.setattr(FakeAnswers, "knows_after", after)
    ended = adapt(repository, PLAN, model=model)
    assert not ended.kept
    assert ended.path is None
    assert why in ended.why
    assert adapted_models() == ()
    assert not work_folder(NAME).exists()


def test_what_predicts_no_better_is_refused(repository, model, monkeypatch) -> None:
    compare = adapter.compare_bits
    monkeypatch.setattr(
        adapter,
        "compare_bits",
        lambda walk, before, after, *rest: compare(walk, after, before, *rest),
    )
    ended = adapt(repository, PLAN, model=model)
    assert not ended.kept
    assert "bits a byte did not improve" in ended.why


def test_a_model_that_got_worse_from_the_start_is_not_asked(repository, model, monkeypatch) -> None:
    losses = iter([1.0, 1.1, 1.2, 1.3])
    monkeypatch.setattr(learning, "mean_loss", lambda *_: next(losses))
    monkeypatch.setattr(adapter, "_verdict", lambda *_: pytest.fail("it was judged"))
    ended = adapt(repository, PLAN, model=model)
    assert not ended.kept
    assert "got worse" in ended.why
    assert ended.figures == {}
    assert [loss for _, loss in ended.watched_loss] == [1.0, 1.1, 1.2]


def test_the_weights_with_the_lowest_watched_loss_are_kept_not_the_last(
    repository, model, monkeypatch
) -> None:
    losses, weights = iter([1.0, 0.5, 0.6, 0.7]), []

    def measured(walk, now, windows):
        weights.append({name: weight.copy() for name, weight in now.items()})
        return next(losses)

    monkeypatch.setattr(learning, "mean_loss", measured)
    ended = adapt(repository, msgspec.structs.replace(PLAN, shares=(1.0,)), model=model)
    assert len(ended.watched_loss) == 4
    kept = load_model(adapted_folder(NAME)).tensors
    name = "model.norm.weight"
    assert (kept[name].dequantise() == weights[1][name].astype("f2").astype("f4")).all()
    assert (weights[1][name] != weights[3][name]).any()


class Choice:
    """Finds right answers as likely as it is told, the first of them as the model that it was."""

    def __init__(self) -> None:
        self.likeliest = [9.0, 8.0, 5.0, 7.0, 12.0]
        self.asked: list[set[str]] = []
        """The files that each was asked about."""

    def observe(self, session, items, private_patterns, on_item) -> list[Observed]:
        bits = self.likeliest[len(self.asked)]
        self.asked.append({item.file.path for item in items})
        return [one_token(bits)] * len(items)


@pytest.fixture
def choice(monkeypatch) -> Choice:
    fake = Choice()
    monkeypatch.setattr(adapter, "observe_answers", fake.observe)
    return fake


def test_the_share_is_taken_at_which_watched_lines_are_likeliest(
    repository, model, choice, monkeypatch
) -> None:
    learnt, write = [], adapter.interpolated
    monkeypatch.setattr(
        adapter, "interpolated", lambda *given: learnt.append(given) or write(*given)
    )
    ended = adapt(repository, PLAN, model=model)
    assert ended.figures["choice"]["share"] == 0.5
    assert list(ended.figures["choice"]["bits_per_byte"]) == ["0", "0.25", "0.5", "0.75", "1"]
    assert [share for _, _, share in learnt] == [0.25, 0.5, 0.75, 1.0, 0.5]
    before, after, _ = learnt[-1]
    kept = safetensors.numpy.load_file(adapted_folder(NAME) / "model.safetensors")
    for name, weight in kept.items():
        middle = (before[name].astype("f8") + after[name]) / 2
        np.testing.assert_allclose(weight, middle, rtol=1e-3, atol=1e-6)
        assert np.abs(weight - before[name]).max() > 1e-3
    parts = task.split(task.read_texts(repository, (".py",)))
    assert choice.asked == [{file.path for file in parts.watched}] * 5


def test_what_makes_no_watched_line_likelier_is_not_judged(
    repository, model, choice, monkeypatch
) -> None:
    choice.likeliest = [9.0, 9.0, 10.0, 11.0, 12.0]
    monkeypatch.setattr(adapter, "_verdict", lambda *_: pytest.fail("it was judged"))
    ended = adapt(repository, PLAN, model=model)
    assert not ended.kept
    assert "no share of what it learnt" in ended.why
    assert ended.figures["choice"]["share"] == 0.0


def test_the_mixture_is_fitted_to_what_learnt_and_kept_with_it(
    repository, model, store, monkeypatch
) -> None:
    write_tuning(Path(model), neutral_tuning())

    def observe(session, items, private_patterns, on_item) -> list[Observed]:
        each = one_token(1.0 if "+" in session.name else 2.0)
        each.right[:, 1], each.present[:, 0], each.features[:, 0] = 0.9, True, 1.0
        return [each] * len(items)  # the experts are right more often than the model

    monkeypatch.setattr(adapter, "observe_answers", observe)
    ended = adapt(repository, PLAN, model=model)
    assert ended.kept
    assert ended.figures["choice"]["fitted"]
    kept, before = load_tuning(store / NAME), load_tuning(Path(model))
    assert all(weight > 0 for weight in kept.mixture["buffer"].values())
    assert kept.fitted_on == {"repository_questions": ended.figures["choice"]["n"]}
    assert kept.weights_sha256 == weights_sha256(store / NAME)
    assert before == neutral_tuning()
    assert all(file.state == "right" for file in verify(NAME))


def test_with_a_rank_adapters_learn_and_go_into_the_matrices_of_layers(repository, model) -> None:
    adapt(repository, msgspec.structs.replace(PLAN, rank=2, rate=2.0), model=model)
    before, kept = load_model(Path(model)).tensors, load_model(adapted_folder(NAME)).tensors
    moved = {name for name in kept if (kept[name].dequantise() != before[name].dequantise()).any()}
    assert moved
    assert all("layers" in name and "proj" in name for name in moved)


# ── adapters of a larger model ──────────────────────────────────────────────────────────────


@pytest.fixture
def file(tmp_path) -> str:
    """A GGUF file of a small model, matrices of two types, rows in llama.cpp's order."""
    sizes = {"hidden": 32, "heads": 2, "kv_heads": 1, "head_dim": 16, "ffn": 64, "context": 1024}
    return str(write_tiny_gguf(tmp_path / "small.gguf", types=("Q4_0", "Q8_0"), layers=1, **sizes))


FILE_PLAN = msgspec.structs.replace(PLAN, adapter_rate=2.0)


def test_a_file_gets_its_adapters_merged_into_another_file(repository, file, store) -> None:
    told = []
    ended = adapt(repository, FILE_PLAN, model=file, report=told.append)
    name = "small+shop"
    assert ended.kept, ended.why
    assert ended.path == str(store / name / f"{name}.gguf")
    (kept,) = adapted_models()
    assert (kept.name, kept.path) == (name, Path(ended.path))
    assert {each.state for each in verify(name)} == {"right"}
    assert find_model(name) == kept.path
    (listed,) = [each for each in list_models().models if each.name == name]
    assert (listed.source, listed.problem) == ("adapted", None)
    before, after = load_model(Path(file)), load_model(kept.path)
    assert after.gguf.metadata.keys() == before.gguf.metadata.keys()
    for tensor in before.tensors:
        was, now = (model.tensors[tensor].dequantise() for model in (before, after))
        in_layer = "layers" in tensor and was.ndim == 2
        assert (was == now).all() != in_layer, tensor
        if in_layer:  # what it learnt is small, so no row went to another's place
            assert np.abs(now - was).max() < 0.5 * np.abs(was).max()
    size = kept.path.stat().st_size
    told_first = next(each for each in told if each.stage == "planned")
    assert "tokens a second" in told_first.detail
    assert remove(name) > size
    assert not adapted_folder(name).exists()


def test_merged_matrices_are_what_the_adapters_made_of_them(tmp_path, file) -> None:
    base = load_model(Path(file))
    weights = {name: tensor.dequantise() for name, tensor in base.tensors.items()}
    shapes = {name: base.graph.weights[name] for name in matrices_of_layers(base.graph)}
    factors = new_factors(shapes, 2)
    random = np.random.default_rng(0)
    for name in shapes:
        factors[UP + name] += random.standard_normal(factors[UP + name].shape).astype(np.float32)
    place = write_gguf_candidate(tmp_path / "made", base, weights, factors, 0.5)
    for name, tensor in load_model(place).tensors.items():
        wanted = adapted_matrix(weights, factors, name, 0.5)
        step = np.abs(wanted).max() / 127
        assert np.abs(tensor.dequantise() - wanted).max() <= step, name


def test_adapters_need_memory_and_minutes_and_say_how_much(repository, file, monkeypatch) -> None:
    hurried = msgspec.structs.replace(FILE_PLAN, minutes=1e-6)
    with pytest.raises(AdaptError, match=r"small learns about \d+ tokens a second here: .* needed"):
        adapt(repository, hurried, model=file)
    monkeypatch.setattr(adapter, "available_bytes", lambda: 1000)
    with pytest.raises(AdaptError, match=r"learning takes .* of memory, 1.0 KB are free"):
        adapt(repository, FILE_PLAN, model=file)
    assert adapted_models() == ()


def test_a_model_of_more_weights_learns_by_adapters_too(repository, model, monkeypatch) -> None:
    monkeypatch.setattr(task, "LARGEST_PARAMETERS", 1000)
    told = []
    adapt(repository, FILE_PLAN, model=model, report=told.append)
    assert "planned" in {each.stage for each in told}


def test_a_second_run_replaces_the_first_and_another_repository_gets_another_name(
    repository, model, store, tmp_path
) -> None:
    adapt(repository, PLAN, model=model)
    first = (store / NAME / "model.safetensors").read_bytes()
    (repository / "more.py").write_text(module_text(77))
    adapt(repository, msgspec.structs.replace(PLAN, rate=0.5), model=model)
    assert (store / NAME / "model.safetensors").read_bytes() != first
    other = write_repository(tmp_path / "elsewhere" / "shop", 12)
    assert adapt(other, PLAN, model=model).name == f"{NAME}-2"
    assert [kept.name for kept in adapted_models()] == [NAME, f"{NAME}-2"]


# ── broken off ──────────────────────────────────────────────────────────────────────────────


def test_stopped_it_goes_on_and_ends_with_the_same_bits(
    repository, model, store, monkeypatch
) -> None:
    monkeypatch.setattr(learning, "CHECKPOINT_SECONDS", 1e9)  # only the stop saves
    whole = adapt(repository, PLAN, model=model)
    expected = (store / NAME / "model.safetensors").read_bytes()
    for stops in (3, 7, 12):
        calls = iter(range(stops))

        def check(calls=calls):
            if next(calls, None) is None:
                raise Killed

        with pytest.raises(Killed):
            adapt(repository, PLAN, model=model, check=check)
    again = adapt(repository, PLAN, model=model)
    assert again.steps == whole.steps
    assert again.watched_loss == whole.watched_loss
    assert (store / NAME / "model.safetensors").read_bytes() == expected


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_killed_at_twenty_moments_nothing_is_lost_and_nothing_kept_half(
    repository, model, store, monkeypatch
) -> None:
    monkeypatch.setattr(learning, "CHECKPOINT_SECONDS", 0.0)
    adapt(repository, PLAN, model=model)  # an older one is there, and must be to the end
    older = files_below(store / NAME)
    moments = count_moments(monkeypatch, lambda: adapt(repository, PLAN, model=model))
    chosen = sorted(random.Random(21).sample(range(1, moments), 14)) + [
        moments - 5 + i for i in range(6)
    ]
    steps = []
    for moment in chosen:
        kill_at(monkeypatch, moment, lambda: adapt(repository, PLAN, model=model))
        assert sum(len(data) for data in files_below(work_folder(NAME)).values()) < 4_000_000
        if (store / NAME).exists():
            assert all(file.state == "right" for file in verify(NAME))
            assert load_model(store / NAME).verified
        found = learning.read_checkpoint(work_folder(NAME) / "checkpoint.safetensors")
        steps.append(found[0].step if found else 0)
    ended = adapt(repository, PLAN, model=model)
    assert ended.kept
    assert files_below(store / NAME) == older  # the same files, learnt in twenty pieces
    assert not work_folder(NAME).exists()
    assert max(steps) > 3


def watched_calls(monkeypatch, happens) -> None:
    """Call ``happens`` around every step and before and after every change of a name."""
    for owner, name in (
        (Path, "rename"),
        (Path, "replace"),
        (os, "fsync"),
        (adapter.shutil, "rmtree"),
    ):
        original = getattr(owner, name)

        def changed(*given, original=original, **named):
            happens()
            result = original(*given, **named)
            happens()
            return result

        monkeypatch.setattr(owner, name, changed)
    step = learning.Trainer.step

    def stepped(trainer, factor):
        happens()
        return step(trainer, factor)

    monkeypatch.setattr(learning.Trainer, "step", stepped)


def count_moments(monkeypatch, run) -> int:
    """Return at how many moments a run can be killed."""
    moments = 0

    def happens() -> None:
        nonlocal moments
        moments += 1

    with monkeypatch.context() as patch:
        watched_calls(patch, happens)
        run()
    return moments


def kill_at(monkeypatch, moment: int, run) -> None:
    """Run in a child that is killed at a moment, by a signal that nothing can catch."""
    child = os.fork()
    if child == 0:
        moments = iter(range(moment - 1))

        def happens() -> None:
            if next(moments, None) is None:
                os.kill(os.getpid(), signal.SIGKILL)

        watched_calls(monkeypatch, happens)
        try:
            run()
        finally:
            os._exit(0)
    os.waitpid(child, 0)


@pytest.mark.parametrize("when", [0, 1, 2, 3])
def test_on_a_full_disk_one_line_says_so_and_the_same_call_goes_on(
    repository, model, store, monkeypatch, when
) -> None:
    monkeypatch.setattr(learning, "CHECKPOINT_SECONDS", 0.0)
    save, calls = safetensors.numpy.save_file, iter(range(when))

    def full(tensors, path, metadata=None):
        if next(calls, None) is None:
            Path(path).write_bytes(b"half")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(tensors, path, metadata)

    with monkeypatch.context() as patch:
        patch.setattr(safetensors.numpy, "save_file", full)
        with pytest.raises(AdaptError, match=r"disk of .* is full; free some space"):
            adapt(repository, PLAN, model=model)
    assert adapted_models() == ()
    left = files_below(work_folder(NAME))
    assert not any(data == b"half" for name, data in left.items() if name.endswith(".tmp"))
    assert adapt(repository, PLAN, model=model).kept


def test_without_room_it_does_not_begin(repository, model, monkeypatch) -> None:
    from engine.model_store import transfer

    free = SimpleNamespace(free=1000)
    monkeypatch.setattr(transfer.shutil, "disk_usage", lambda folder: free)
    with pytest.raises(StoreError, match=r"adapting a model needs .* are free"):
        adapt(repository, PLAN, model=model)


def test_files_that_change_underneath_change_nothing_of_the_run(repository, model, store) -> None:
    whole = adapt(repository, PLAN, model=model)
    expected = (store / NAME / "model.safetensors").read_bytes()
    texts = {path: path.read_text() for path in repository.glob("*.py")}
    changed = []

    def check() -> None:
        if len(changed) < 12:  # while it learns: answers are judged by what is read at the start
            victim = sorted(texts)[len(changed)]
            victim.write_text("gone = 1\n")
            changed.append(victim)
        elif len(changed) == 12:
            for path, text in texts.items():
                path.write_text(text)
            changed.append(repository)

    again = adapt(repository, PLAN, model=model, check=check)
    assert len(changed) == 13
    assert again.steps == whole.steps
    assert (store / NAME / "model.safetensors").read_bytes() == expected


def test_held_out_files_that_change_between_two_calls_begin_the_run_anew(
    repository, model, monkeypatch
) -> None:
    calls = iter(range(8))

    def check() -> None:
        if next(calls, None) is None:
            raise Killed

    with pytest.raises(Killed):
        adapt(repository, PLAN, model=model, check=check)
    judged = task.split(task.read_texts(repository, (".py",))).judged[0].path
    (repository / judged).write_text(module_text(55))
    told = []
    adapt(repository, PLAN, model=model, report=told.append)
    assert not any("goes on" in progress.detail for progress in told)


def test_an_unreadable_checkpoint_begins_the_run_anew(repository, model) -> None:
    file = work_folder(NAME) / "checkpoint.safetensors"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"\x08\0\0\0\0\0\0\0{}")
    assert adapt(repository, PLAN, model=model).kept


# ── what cannot be adapted ──────────────────────────────────────────────────────────────────


def test_an_adapted_model_is_not_adapted_again(repository, model) -> None:
    adapt(repository, PLAN, model=model)
    with pytest.raises(AdaptError, match="name the one that it came from"):
        adapt(repository, PLAN, model=NAME)


def test_a_folder_that_is_none_is_refused(tmp_path, model) -> None:
    with pytest.raises(AdaptError, match="is no folder"):
        adapt(tmp_path / "nowhere", PLAN, model=model)


def test_one_process_at_a_time_adapts_a_model(repository, model) -> None:
    with locked(NAME, None), pytest.raises(StoreError, match="adapted by another process"):
        adapt(repository, PLAN, model=model)


def test_text_without_code_to_ask_for_is_refused(tmp_path, model) -> None:
    root = tmp_path / "prose"
    root.mkdir()
    for number in range(12):
        words = "".join(f"# word {number} {line}\n" for line in range(300))
        (root / f"note_{number}.py").write_text(words)
    with pytest.raises(AdaptError, match="too little code to judge by: 0 lines"):
        adapt(root, PLAN, model=model)
