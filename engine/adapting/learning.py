"""Learning: steps over the rows of a repository until time is up or held-out files get worse.

Knows arrays and time; reads no file of the repository.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.adapting.batches import LossWindow, epoch_parts
from engine.adapting.checkpoint import Progression, read_checkpoint, write_checkpoint
from engine.adapting.marked_encoder import ModelEncoder
from engine.adapting.plan import AdaptPlan
from engine.adapting.repository_texts import LearnableFile
from engine.adapting.told_elsewhere import ToldElsewhere
from engine.errors import AdaptError
from engine.model.graph import ModelGraph
from engine.training.backpropagation import Backpropagation, TokenBatch
from engine.training.learning_rate import rate_factor
from engine.training.pullback import Weights
from engine.training.trainer import Trainer

__all__ = ["CHECKPOINT_SECONDS", "Learning", "mean_loss"]

CHECKPOINT_SECONDS = 60.0
WORSE_MEASURES = 2
"""So many measures in a row above the lowest end the run."""


class Learning:
    """A run of learning, new or gone on with.

    Args:
        graph: The model.
        weights: Its weights, float32; they are written to, or with a rank only read.
        files: What is learnt.
        watched: Windows of the files that say when to stop.
        encode: The vocabulary.
        plan: The numbers.
        begun: What must be the same to go on from a checkpoint; the progression at step 0.
        file: Where the checkpoint lies.
    """

    def __init__(
        self,
        graph: ModelGraph,
        weights: Weights,
        files: Sequence[LearnableFile],
        watched: Sequence[LossWindow],
        encode: ModelEncoder,
        plan: AdaptPlan,
        begun: Progression,
        file: Path,
    ) -> None:
        self._files, self._watched, self._encode = files, watched, encode
        self._plan, self._file = plan, file
        self._told = ToldElsewhere(files, encode) if plan.as_asked else None
        self._walk = Backpropagation(graph)
        self._trainer = Trainer(graph, weights, plan.rates, workers=plan.workers, rank=plan.rank)
        self._parts: list[TokenBatch] = []
        self._saved_at = 0.0
        self.progression = begun
        self.best = {name: each.copy() for name, each in self._trainer.learnt.items()}
        """What is learnt, as it was when the loss was lowest: weights, or factors of adapters."""
        self.resumed = self._resume()

    def _resume(self) -> bool:
        found = read_checkpoint(self._file)
        if found is None or not found[0].follows(self.progression):
            return False
        try:
            self._trainer.restore(found[1])
        except (KeyError, ValueError):  # of another version
            return False
        self.progression, self.best = found[0], found[2]
        self._saved_at = self.progression.seconds
        return True

    @property
    def share(self) -> float:
        """How much of the run is done, by time or by readings of the files, 0 … 1."""
        done = self.progression
        if done.done:
            return 1.0
        by_time = done.seconds / (60.0 * self._plan.minutes)
        parts = max(1, len(self._parts))
        read = done.epoch + (done.position / parts if self._parts else 0.0)
        return min(1.0, max(by_time, read / self._plan.most_epochs))

    @property
    def gained(self) -> bool:
        """Whether any measure of the watched files was better than the first."""
        losses = [loss for _, loss in self.progression.watched_loss]
        return min(losses, default=0.0) < losses[0]

    def run(self, rest: Callable[[], None], report: Callable[[float, str], None]) -> None:
        """Learn to the end.

        Args:
            rest: Called before each step; may wait, and raise to end the run, which is then saved.
            report: Takes the share done and a few words.

        Raises:
            AdaptError: A checkpoint cannot be written, or the weights left what float32 holds.
        """
        try:
            if not self.progression.watched_loss:
                self._measure()
            while not self.progression.done and self.share < 1.0:
                rest()
                self._step(report)
                self._look_around()
        except AdaptError:
            raise
        except BaseException:
            self._save()
            raise
        if not self.progression.done:
            self._measure()
            self.progression.done = True
            self._save()

    def _step(self, report: Callable[[float, str], None]) -> None:
        done, began = self.progression, time.process_time()
        if not self._parts:
            self._parts = epoch_parts(self._files, self._encode, done.epoch, self._plan, self._told)
        parts = self._parts[done.position : done.position + self._plan.parts_a_step]
        loss = self._trainer.add(*parts)
        factor = rate_factor(self.share, done.step, warmup=self._plan.warmup_steps, decay=1.0)
        self._trainer.step(factor)
        if not np.isfinite(loss):
            raise AdaptError("the model's loss left what numbers hold; nothing of it is kept")
        done.step += 1
        done.position += len(parts)
        done.tokens += sum(part.tokens.size for part in parts)
        if done.position >= len(self._parts):
            done.epoch, done.position, self._parts = done.epoch + 1, 0, []
        done.seconds += (time.process_time() - began) / self._plan.workers
        report(self.share, f"step {done.step}, loss {loss:.2f}")

    def _look_around(self) -> None:
        """Measure and save when it is time to."""
        measured = len(self.progression.watched_loss) - 1
        if self.share * self._plan.measures >= measured + 1:
            self._measure()
            losses = [loss for _, loss in self.progression.watched_loss]
            if all(loss > min(losses) for loss in losses[-WORSE_MEASURES:]):
                self.progression.done = len(losses) > WORSE_MEASURES
        if self.progression.seconds - self._saved_at >= CHECKPOINT_SECONDS or self.progression.done:
            self._save()

    def _measure(self) -> None:
        """Note the loss of the watched files, once a step, and the weights if it is the lowest."""
        known = self.progression.watched_loss
        if known and known[-1][0] == self.progression.step:
            return
        loss = mean_loss(self._walk, self._trainer.weights, self._watched)
        if known and loss < self.progression.best_loss:
            for name, each in self._trainer.learnt.items():
                self.best[name][...] = each
        known.append((self.progression.step, loss))

    def _save(self) -> None:
        write_checkpoint(self._file, self.progression, self._trainer.state(), self.best)
        self._saved_at = self.progression.seconds


def mean_loss(walk: Backpropagation, weights: Weights, windows: Sequence[LossWindow]) -> float:
    """Return the loss of windows in nats a token."""
    total = sum(float(walk.losses(weights, window.batch).sum()) for window in windows)
    return total / sum(window.tokens for window in windows)
