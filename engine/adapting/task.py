"""What a run of adapting works on: the model, the texts by what they are for, and the questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.adapting.batches import LENGTHS, LossWindow, loss_windows
from engine.adapting.marked_encoder import ModelEncoder
from engine.adapting.plan import AdaptPlan
from engine.adapting.repository_texts import (
    LearnableFile,
    RepositorySplit,
    RepositoryTexts,
    read_texts,
    split,
)
from engine.adapting.verdict import questions_of
from engine.errors import AdaptError
from engine.knowledge.adviser import ANY_SUFFIXES, SUFFIXES
from engine.model.load import Model, load_model
from engine.model_store.adapted import adapted_models, adapted_name
from engine.model_store.bundled import default_bundled
from engine.model_store.lookup import find_model
from engine.model_store.shelf import is_model_name, work_folder
from engine.quality.question_sampler import QuestionItem
from engine.tokenizer import Tokenizer

__all__ = ["LARGEST_PARAMETERS", "LEAST_QUESTIONS", "AdaptTask", "read_task"]

LARGEST_PARAMETERS = 60_000_000
"""All weights learn, in float32 with an optimiser's state: more would take hours on a processor."""
LEAST_QUESTIONS = 30
"""Fewer ``mid`` questions show no difference that could be told from chance."""
WATCHED_WINDOWS, JUDGED_WINDOWS = 16, 64


@dataclass(frozen=True, slots=True)
class AdaptTask:
    """What a run works on; all is read."""

    base: Model
    texts: RepositoryTexts
    parts: RepositorySplit
    encode: ModelEncoder
    plan: AdaptPlan
    private_patterns: tuple[str, ...]
    choice: Sequence[QuestionItem]
    """``mid`` questions about watched files."""
    mid: Sequence[QuestionItem]
    """About judged files, as is ``line``."""
    line: Sequence[QuestionItem]
    name: str

    @property
    def work(self) -> Path:
        """The folder of what is not finished."""
        return work_folder(self.name)

    @property
    def watched_windows(self) -> list[LossWindow]:
        """Windows of the watched files."""
        return loss_windows(self.parts.watched, self.encode, WATCHED_WINDOWS)

    @property
    def judged_windows(self) -> list[LossWindow]:
        """Windows of the judged files."""
        return loss_windows(self.parts.judged, self.encode, JUDGED_WINDOWS)


def read_task(
    root: Path, plan: AdaptPlan, model: str | None, private_patterns: tuple[str, ...]
) -> AdaptTask:
    """Read the model and the repository; arguments as of `engine.adapting.adapter.adapt`.

    Raises:
        AdaptError: One of them cannot be used.
        EngineError: The model cannot be opened.
    """
    if not root.is_dir():
        raise AdaptError(f"{root} is no folder; a repository's is needed")
    base = _base(model)
    encode = ModelEncoder(base.name, Tokenizer.load(base.path))
    texts = read_texts(root, SUFFIXES.get(base.language, ANY_SUFFIXES), private_patterns)
    parts = split(texts)
    mid = _questions(root, parts.judged, "judge", plan.mid_questions, plan.seed)
    line = questions_of(root, parts.judged, "line", plan.line_questions, plan.seed)
    choice = _questions(root, parts.watched, "choose", plan.choice_questions, plan.seed)
    name = adapted_name(base.name, root)
    if not is_model_name(name):
        raise AdaptError(f"{name!r} cannot be a model's name; rename {root}")
    return AdaptTask(base, texts, parts, encode, plan, private_patterns, choice, mid, line, name)


def _questions(
    root: Path, files: Sequence[LearnableFile], use: str, most: int, seed: int
) -> list[QuestionItem]:
    """Return ``mid`` questions.

    Raises:
        AdaptError: They are too few.
    """
    found = questions_of(root, files, "mid", most, seed)
    if len(found) < min(LEAST_QUESTIONS, most):
        raise AdaptError(
            f"{root} has too little code to {use} by: {len(found)} lines of the held-out files "
            f"can be asked for, {LEAST_QUESTIONS} are needed"
        )
    return found


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
