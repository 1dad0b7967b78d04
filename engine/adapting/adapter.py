"""Adapts a model to a repository: reads, learns, judges, and keeps what is better.

One call is one run; broken off at any point, the same call goes on from the last checkpoint.  Only
the folder of models is written to.
"""

import shutil
from collections.abc import Callable
from contextlib import closing
from datetime import date
from pathlib import Path

import safetensors

from engine.adapting.candidate import sign_candidate, write_candidate, write_gguf_candidate
from engine.adapting.checkpoint import Progression, disk_problem
from engine.adapting.interpolation import ShareChoice, interpolated
from engine.adapting.learning import Learning
from engine.adapting.messages import Adapted, AdaptProgress
from engine.adapting.mixture_trial import fitted_tuning, try_mixture
from engine.adapting.patience import Patience
from engine.adapting.plan import AdaptPlan
from engine.adapting.rehearsal import rehearse
from engine.adapting.task import AdaptTask, read_task
from engine.adapting.verdict import Verdict, compare_answers, compare_bits, observe_answers
from engine.errors import AdaptError
from engine.host_memory import available_bytes
from engine.knowledge.tuning import Tuning, find_tuning, write_tuning
from engine.model.formats.gguf_rewriting import rewritten_bytes
from engine.model.gguf.tensors import places_in_file
from engine.model.load import load_model
from engine.model_store.adapted import (
    AdaptedNote,
    adapted_folder,
    put_adapted,
    recover_adapted,
)
from engine.model_store.child_process import folder_bytes
from engine.model_store.digests import weights_sha256
from engine.model_store.shelf import locked
from engine.model_store.transfer import require_space
from engine.paths import models_dir
from engine.session import Session
from engine.training.backpropagation import Backpropagation
from engine.training.frozen_weights import FrozenWeights
from engine.training.low_rank import adapted_matrix
from engine.training.pullback import Weights
from engine.training.trainer import matrices_of_layers

__all__ = ["adapt"]

_BYTES_A_PARAMETER = 26
"""On the disk: two checkpoints of weights, momenta and best weights, and the model itself."""
_STATE = 4
"""Arrays of a checkpoint as large as the factors: they, their best, and two moments."""


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
    task = read_task(root.resolve(), plan, model, private_patterns)
    try:
        return _run(task, report, check)
    except (OSError, safetensors.SafetensorError) as error:
        raise AdaptError(disk_problem(models_dir(), error)) from error


def _run(
    task: AdaptTask, report: Callable[[AdaptProgress], None], check: Callable[[], None]
) -> Adapted:
    with locked(task.name, None):
        recover_adapted(task.name)
        task.work.mkdir(parents=True, exist_ok=True)
        require_space(task.work, _disk_bytes(task), "adapting a model")
        with Patience(lambda why: report(AdaptProgress("waiting", 0.0, why)), check) as patience:
            weights = task.weights(task.base)
            if isinstance(weights, FrozenWeights):
                _rehearse(task, weights, patience, report)
            learning = _learn(task, weights, patience, report)
            before = weights if task.plan.rank else task.weights(task.base)
            ended = _judged(task, learning, before, patience, report)
        shutil.rmtree(task.work, ignore_errors=True)
        return ended


def _disk_bytes(task: AdaptTask) -> int:
    """Return what a run takes on the disk at most."""
    base, rank = task.base, task.plan.rank
    if base.gguf is None:
        return _BYTES_A_PARAMETER * base.parameters
    names = matrices_of_layers(base.graph)
    places = places_in_file(base.gguf, base.graph)
    file = rewritten_bytes(base.gguf, {places[name][0]: None for name in names})
    factors = 4 * rank * sum(sum(base.graph.weights[name]) for name in names)
    return file + 2 * _STATE * factors


def _rehearse(
    task: AdaptTask,
    weights: FrozenWeights,
    patience: Patience,
    report: Callable[[AdaptProgress], None],
) -> None:
    """Say what learning will take before it begins.

    Raises:
        AdaptError: The memory or the minutes do not allow it.
    """
    report(AdaptProgress("rehearsing", 0.0))
    patience.rest()
    found = rehearse(task.base.graph, weights, weights.kept_bytes, task.plan)
    reading = task.reading_tokens
    found.check(task.base.name, task.plan, available_bytes(), reading)
    report(AdaptProgress("planned", 0.0, found.told(task.plan, reading)))


# ── learning and judging ────────────────────────────────────────────────────────────────────


def _learn(
    task: AdaptTask,
    weights: Weights,
    patience: Patience,
    report: Callable[[AdaptProgress], None],
) -> Learning:
    begun = Progression(
        weights_sha256(task.base.path),
        task.parts.held_out_digest,
        task.plan.rate,
        task.plan.rank,
    )
    learning = Learning(
        task.base.graph,
        weights,
        task.parts.learnt,
        task.watched_windows,
        task.encode,
        task.plan,
        begun,
        task.work / "checkpoint.safetensors",
    )
    resumed = "goes on where it was stopped" if learning.resumed else ""
    report(AdaptProgress("learning", learning.share, resumed))
    learning.run(
        patience.rest,
        lambda share, words: report(
            AdaptProgress("learning", share, words, learning.progression.step)
        ),
    )
    return learning


def _judged(
    task: AdaptTask,
    learning: Learning,
    before: Weights,
    patience: Patience,
    report: Callable[[AdaptProgress], None],
) -> Adapted:
    if not learning.gained:
        why = "not kept: files that were held out got worse from the first measure on"
        return _ended(task, learning, why, {}, None)
    choice = _choice(task, before, learning.best, patience, report)
    chosen: dict[str, object] = {"choice": choice.figures}
    if not choice.share:
        why = "not kept: no share of what it learnt makes the rests of held-out lines likelier"
        return _ended(task, learning, why, chosen, None)
    candidate = _candidate(task, before, learning.best, choice.share)
    _weigh_anew(task, candidate, choice)
    verdict = _verdict(task, before, candidate, patience, report)
    figures = {**chosen, **verdict.figures}
    if not verdict.kept:
        return _ended(task, learning, verdict.why, figures, None)
    sign_candidate(_folder(task), _note(task, learning, figures))
    model = put_adapted(_folder(task), task.name)
    return _ended(task, learning, verdict.why, figures, model.path)


def _choice(
    task: AdaptTask,
    before: Weights,
    learnt: Weights,
    patience: Patience,
    report: Callable[[AdaptProgress], None],
) -> ShareChoice:
    """Ask the questions about the watched files at each share of what was learnt."""
    shares = (0.0, *task.plan.shares)
    asked, done = len(task.choice) * len(shares), 0
    report(AdaptProgress("choosing", 0.0))

    def on_item() -> None:
        nonlocal done
        done += 1
        report(AdaptProgress("choosing", done / asked, f"question {done} of {asked}"))
        patience.rest()

    trials, tuning = {}, _tuning(task)
    for share in shares:
        place = _candidate(task, before, learnt, share) if share else task.base.path
        with closing(Session.open(str(place), threads=_threads(task))) as session:
            each = observe_answers(session, task.choice, task.private_patterns, on_item)
        trials[share] = try_mixture(each, tuning)
    size = sum(len(item.target.encode()) for item in task.choice)
    return ShareChoice(len(task.choice), size, trials)


def _tuning(task: AdaptTask) -> Tuning | None:
    """Return the tuning with which the model answers as it is; None: it has no experts."""
    return find_tuning(task.base.path, task.base.name, task.base.weight_bytes)


def _candidate(task: AdaptTask, before: Weights, learnt: Weights, share: float) -> Path:
    """Write a model with a share of what was learnt; return where it lies, one for all shares."""
    folder = _folder(task)
    if task.base.gguf is not None:
        return write_gguf_candidate(folder, task.base, before, learnt, share)
    if task.plan.rank:
        names = task.base.graph.weights
        weights = {name: adapted_matrix(before, learnt, name, share) for name in names}
    else:
        weights = interpolated(before, learnt, share)
    write_candidate(folder, task.base, weights)
    return folder


def _folder(task: AdaptTask) -> Path:
    """Return where a candidate is made."""
    return task.work / task.name


def _threads(task: AdaptTask) -> int:
    """Return the threads that answer: of a large model as many as learn."""
    return task.plan.workers if task.plan.rank else 1


def _weigh_anew(task: AdaptTask, candidate: Path, choice: ShareChoice) -> None:
    """Write the mixture that was fitted to the candidate, if there is one."""
    tuning, coefficients = _tuning(task), choice.coefficients
    if tuning is not None and coefficients is not None:
        digest = weights_sha256(candidate)
        write_tuning(_folder(task), fitted_tuning(tuning, coefficients, choice.questions, digest))


def _verdict(
    task: AdaptTask,
    before: Weights,
    candidate: Path,
    patience: Patience,
    report: Callable[[AdaptProgress], None],
) -> Verdict:
    asked, done = len(task.mid) + len(task.line), 0
    report(AdaptProgress("judging", 0.0))
    learnt = load_model(candidate)
    bits = compare_bits(
        Backpropagation(learnt.graph),
        before,
        task.weights(learnt),
        task.judged_windows,
        patience.rest,
        task.plan.seed,
    )

    def on_item(_: int) -> None:
        nonlocal done
        done += 1
        report(AdaptProgress("judging", done / asked, f"question {done} of at most {asked}"))
        patience.rest()

    with (
        closing(Session.open(str(task.base.path), threads=_threads(task))) as old,
        closing(Session.open(str(candidate), threads=_threads(task))) as new,
    ):
        answers = [
            compare_answers(
                (old, new), kind, items, look, task.private_patterns, on_item, task.plan.seed
            )
            for kind, items, look in (
                ("mid", task.mid, task.plan.mid_look),
                ("line", task.line, len(task.line)),
            )
        ]
    return Verdict(bits, *answers)


def _note(task: AdaptTask, learning: Learning, figures: dict[str, object]) -> AdaptedNote:
    done = learning.progression
    return AdaptedNote(
        base=task.base.name,
        base_sha256=done.base_sha256,
        repository=str(task.texts.root),
        made=date.today().isoformat(),
        steps=done.step,
        tokens=done.tokens,
        figures=figures,
    )


def _ended(
    task: AdaptTask, learning: Learning, why: str, figures: dict[str, object], path: Path | None
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
        size_bytes=0 if path is None else folder_bytes(adapted_folder(task.name)),
        repository=str(task.texts.root),
        files=counts,
        steps=done.step,
        tokens=done.tokens,
        epochs=done.epoch,
        seconds=done.seconds,
        watched_loss=done.watched_loss,
        figures=figures,
    )
