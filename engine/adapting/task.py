"""What a run of adapting works on: the model, the texts by what they are for, and the questions."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.adapting.batches import LossWindow, epoch_parts, loss_windows
from engine.adapting.marked_encoder import ModelEncoder
from engine.adapting.plan import AdaptPlan, with_adapters
from engine.adapting.repository_texts import (
    LearnableFile,
    RepositorySplit,
    RepositoryTexts,
    read_texts,
    split,
)
from engine.adapting.verdict import questions_of
from engine.errors import AdaptError
from engine.host_memory import available_bytes
from engine.knowledge.adviser import ANY_SUFFIXES, SUFFIXES
from engine.model.load import Model, load_model
from engine.model_store.adapted import adapted_models, adapted_name
from engine.model_store.bundled import default_bundled
from engine.model_store.lookup import find_model
from engine.model_store.shelf import is_model_name, work_folder
from engine.quality.question_sampler import QuestionItem
from engine.tokenizer import Tokenizer
from engine.training.frozen_weights import FrozenWeights, frozen_bytes
from engine.training.pullback import Weights
from engine.training.trainer import float_weights

__all__ = ["LARGEST_PARAMETERS", "LEAST_QUESTIONS", "AdaptTask", "read_task"]

LARGEST_PARAMETERS = 60_000_000
"""Of a model whose weights all learn, in float32 with an optimiser's state; beside the matrices of
a larger one, and of one in a GGUF file, whose weights are packed, adapters learn."""
LEAST_QUESTIONS = 30
"""Fewer ``mid`` questions show no difference that could be told from chance."""


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

    def weights(self, model: Model) -> Weights:
        """Return the weights of the base, or of what it has become, as float32.

        Where all learn they are the caller's to write to.  Else as many are kept as half of the
        free memory holds, and the others are decoded whenever they are used.
        """
        if not self.plan.rank:
            return float_weights(model.graph, model.tensors)
        room = min(frozen_bytes(model.graph), available_bytes() // 2)
        return FrozenWeights(model.graph, model.tensors, room)

    @property
    def reading_tokens(self) -> int:
        """Tokens of one reading of the files that are learnt."""
        parts = epoch_parts(self.parts.learnt, self.encode, 0, self.plan)
        return sum(part.tokens.size for part in parts)

    @property
    def watched_windows(self) -> list[LossWindow]:
        """Windows of the watched files."""
        return loss_windows(self.parts.watched, self.encode, self.plan.watched_windows)

    @property
    def judged_windows(self) -> list[LossWindow]:
        """Windows of the judged files."""
        return loss_windows(self.parts.judged, self.encode, self.plan.judged_windows)


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
    if base.gguf is not None or base.parameters > LARGEST_PARAMETERS:
        plan = with_adapters(plan)
    _check_context(base, plan)
    encode = ModelEncoder(base.name, Tokenizer.load(base.path, base.gguf))
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
    if place in [each.path for each in adapted_models()]:
        raise AdaptError(f"{place.name} is an adapted model; name the one that it came from")
    return load_model(place)


def _check_context(base: Model, plan: AdaptPlan) -> None:
    """Refuse a model that cannot read a row.

    Raises:
        AdaptError: It cannot.
    """
    longest = max(plan.lengths)
    if base.graph.context_length < longest:
        raise AdaptError(
            f"{base.name} cannot be adapted: its context of {base.graph.context_length} tokens is "
            f"shorter than the rows of {longest} that are learnt; spark-nano can be"
        )
