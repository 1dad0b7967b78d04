"""Adapts a model to a repository: reads, learns, judges, and keeps what is better.

One call is one run; broken off at any point, the same call goes on from the last checkpoint.  Only
the folder of models is written to.
"""

import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import safetensors

from engine.adapting.batches import LENGTHS, LossWindow, loss_windows
from engine.adapting.candidate import sign_candidate, write_candidate
from engine.adapting.checkpoint import Progression, disk_problem
from engine.adapting.learning import Learning
from engine.adapting.marked_encoder import ModelEncoder
from engine.adapting.messages import Adapted, AdaptProgress
from engine.adapting.patience import Patience
from engine.adapting.plan import AdaptPlan
from engine.adapting.repository_texts import RepositorySplit, RepositoryTexts, read_texts, split
from engine.adapting.verdict import Verdict, compare_answers, compare_bits, questions_of
from engine.errors import AdaptError
from engine.knowledge.adviser import ANY_SUFFIXES, SUFFIXES
from engine.model.load import Model, load_model
from engine.model_store.adapted import (
    AdaptedNote,
    adapted_models,
    adapted_name,
    put_adapted,
    recover_adapted,
)
from engine.model_store.bundled import default_bundled
from engine.model_store.digests import weights_sha256
from engine.model_store.lookup import find_model
from engine.model_store.shelf import is_model_name, locked, work_folder
from engine.model_store.transfer import require_space
from engine.paths import models_dir
from engine.quality.question_sampler import QuestionItem
from engine.session import Session
from engine.tokenizer import Tokenizer
from engine.training.backpropagation import Backpropagation
from engine.training.trainer import float_weights

__all__ = ["LARGEST_PARAMETERS", "adapt"]

LARGEST_PARAMETERS = 60_000_000
"""All weights learn, in float32 with an optimiser's state: more would take hours on a processor."""
LEAST_QUESTIONS = 30
"""Fewer ``mid`` questions show no difference that could be told from chance."""
WATCHED_WINDOWS, JUDGED_WINDOWS = 16, 64
_BYTES_A_PARAMETER = 26
"""On the disk: two checkpoints of weights, momenta and best weights, and the model itself."""


@dataclass(frozen=True, slots=True)
class _Task:
    """What a run works on."""

    base: Model
    texts: RepositoryTexts
    parts: RepositorySplit
    encode: ModelEncoder
    plan: AdaptPlan
    private_patterns: tuple[str, ...]
    mid: Sequence[QuestionItem]
    line: Sequence[QuestionItem]
    name: str

    @property
    def work(self) -> Path:
        """The folder of what is not finished."""
        return work_folder(self.name)

    def windows(self, files: str, most: int) -> list[LossWindow]:
        """Return windows of the watched or judged files."""
        return loss_windows(getattr(self.parts, files), self.encode, most)


def adapt(
    root: Path,
    plan: AdaptPlan,
    *,
    model: str | None = None,
    private_patterns: tuple[str, ...] = (),
    report: Callable[[AdaptProgress], None] = lambda progress: None,
    check: Callable[[], None] = lambda: None,
) -> Adapted:
    """Teach a model a repository; keep the result beside the other models if it is better.

    Args:
        root: The repository's folder.
        plan: The numbers.
        model: A model in a folder; None is the bundled one.
        private_patterns: More patterns of private files.
        report: Called with how far it is.
        check: Called again and again; raises to end the run.

    Raises:
        AdaptError: The model or the repository cannot be used, or the disk is full.
        EngineError: The model cannot be opened, or another process adapts it.
    """
    report(AdaptProgress("reading", 0.0))
    task = _task(root.resolve(), plan, model, private_patterns)
    try:
        return _run(task, report, check)
    except (OSError, safetensors.SafetensorError) as error:
        raise AdaptError(disk_problem(models_dir(), error)) from error


def _run(
    task: _Task, report: Callable[[AdaptProgress], None], check: Callable[[], None]
) -> Adapted:
    with locked(task.name, None):
        recover_adapted(task.name)
        task.work.mkdir(parents=True, exist_ok=True)
        require_space(task.work, _BYTES_A_PARAMETER * task.base.parameters, "adapting a model")
        with Patience(lambda why: report(AdaptProgress("waiting", 0.0, why)), check) as patience:
            learning = _learn(task, patience, report)
            ended = _judged(task, learning, patience, report)
        shutil.rmtree(task.work, ignore_errors=True)
        return ended


# ── what is worked on ───────────────────────────────────────────────────────────────────────


def _task(
    root: Path, plan: AdaptPlan, model: str | None, private_patterns: tuple[str, ...]
) -> _Task:
    if not root.is_dir():
        raise AdaptError(f"{root} is no folder; a repository's is needed")
    base = _base(model)
    encode = ModelEncoder(base.name, Tokenizer.load(base.path))
    texts = read_texts(root, SUFFIXES.get(base.language, ANY_SUFFIXES), private_patterns)
    parts = split(texts)
    mid = questions_of(root, parts.judged, "mid", plan.mid_questions, plan.seed)
    if len(mid) < min(LEAST_QUESTIONS, plan.mid_questions):
        raise AdaptError(
            f"{root} has too little code to judge by: {len(mid)} lines of the held-out files can "
            f"be asked for, {LEAST_QUESTIONS} are needed"
        )
    line = questions_of(root, parts.judged, "line", plan.line_questions, plan.seed)
    name = adapted_name(base.name, root)
    if not is_model_name(name):
        raise AdaptError(f"{name!r} cannot be a model's name; rename {root}")
    return _Task(base, texts, parts, encode, plan, private_patterns, mid, line, name)


def _base(model: str | None) -> Model:
    """Return the model that is to learn.

    Raises:
        AdaptError: It cannot.
    """
    place = default_bundled() if model is None else find_model(model)
    if place.is_file():
        raise AdaptError(
            f"{place.name} cannot be adapted: all weights of a small model in a folder are taught, "
            "and a GGUF file's are packed for reading; spark-nano can be adapted"
        )
    if place in [each.path for each in adapted_models()]:
        raise AdaptError(f"{place.name} is an adapted model; name the one that it came from")
    base = load_model(place)
    if base.parameters > LARGEST_PARAMETERS:
        raise AdaptError(
            f"{base.name} cannot be adapted: it has {base.parameters / 1e6:.0f} million weights, "
            f"and all of at most {LARGEST_PARAMETERS / 1e6:.0f} million are taught; spark-nano can"
        )
    if base.graph.context_length < max(LENGTHS):
        raise AdaptError(
            f"{base.name} cannot be adapted: its context of {base.graph.context_length} tokens is "
            f"shorter than the rows of {max(LENGTHS)} that are learnt; spark-nano can be"
        )
    return base


# ── learning and judging ────────────────────────────────────────────────────────────────────


def _learn(task: _Task, patience: Patience, report: Callable[[AdaptProgress], None]) -> Learning:
    begun = Progression(weights_sha256(task.base.path), task.parts.held_out_digest, task.plan.rate)
    learning = Learning(
        task.base.graph,
        float_weights(task.base.graph, task.base.tensors),
        task.parts.learnt,
        task.windows("watched", WATCHED_WINDOWS),
        task.encode,
        task.plan,
        begun,
        task.work / "checkpoint.safetensors",
    )
    resumed = "goes on where it was stopped" if learning.resumed else ""
    report(AdaptProgress("learning", learning.share, resumed))
    learning.run(
        patience.rest, lambda share, words: report(AdaptProgress("learning", share, words))
    )
    return learning


def _judged(
    task: _Task, learning: Learning, patience: Patience, report: Callable[[AdaptProgress], None]
) -> Adapted:
    if not learning.gained:
        why = "not kept: files that were held out got worse from the first measure on"
        return _ended(task, learning, why, {}, None)
    candidate = task.work / task.name
    write_candidate(candidate, task.base, learning.best)
    verdict = _verdict(task, candidate, patience, report)
    if not verdict.kept:
        return _ended(task, learning, verdict.why, verdict.figures, None)
    sign_candidate(candidate, _note(task, learning, verdict))
    model = put_adapted(candidate, task.name)
    return _ended(task, learning, verdict.why, verdict.figures, model.path)


def _verdict(
    task: _Task, candidate: Path, patience: Patience, report: Callable[[AdaptProgress], None]
) -> Verdict:
    asked, done = len(task.mid) + len(task.line), 0
    report(AdaptProgress("judging", 0.0))
    learnt = load_model(candidate)
    bits = compare_bits(
        Backpropagation(learnt.graph),
        float_weights(task.base.graph, task.base.tensors),
        float_weights(learnt.graph, learnt.tensors),
        task.windows("judged", JUDGED_WINDOWS),
        patience.rest,
        task.plan.seed,
    )

    def on_item(_: int) -> None:
        nonlocal done
        done += 1
        report(AdaptProgress("judging", done / asked, f"question {done} of {asked}"))
        patience.rest()

    with (
        closing(Session.open(str(task.base.path), threads=1)) as before,
        closing(Session.open(str(candidate), threads=1)) as after,
    ):
        answers = [
            compare_answers(
                (before, after), kind, items, task.private_patterns, on_item, task.plan.seed
            )
            for kind, items in (("mid", task.mid), ("line", task.line))
        ]
    return Verdict(bits, *answers)


def _note(task: _Task, learning: Learning, verdict: Verdict) -> AdaptedNote:
    done = learning.progression
    return AdaptedNote(
        base=task.base.name,
        base_sha256=done.base_sha256,
        repository=str(task.texts.root),
        made=date.today().isoformat(),
        steps=done.step,
        tokens=done.tokens,
        figures=verdict.figures,
    )


def _ended(
    task: _Task, learning: Learning, why: str, figures: dict[str, object], path: Path | None
) -> Adapted:
    done, parts = learning.progression, task.parts
    counts = {
        "learnt": len(parts.learnt),
        "watched": len(parts.watched),
        "judged": len(parts.judged),
        "copies": parts.copies,
        "left_out": task.texts.left_out,
    }
    return Adapted(
        name=task.name,
        kept=path is not None,
        why=why,
        path=None if path is None else str(path),
        repository=str(task.texts.root),
        files=counts,
        steps=done.step,
        tokens=done.tokens,
        epochs=done.epoch,
        seconds=done.seconds,
        watched_loss=done.watched_loss,
        figures=figures,
    )
