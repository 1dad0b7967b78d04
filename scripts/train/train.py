"""Train the model on packed rows.  Resumes from its checkpoint; knows nothing of text.

A step's batch is made of parts.  Each worker thread takes a part, works out its gradient with
one core, and takes the next; whoever completes a batch makes the step while the others go on.
On cores shared with other work this loses only what the others take: threads that split every
matrix product would all wait for the slowest.

Progress is the share of the allotted time, or of the allotted tokens, that is used.  With
``--minutes`` other work on the machine costs tokens but never leaves a run without its decay
of the learning rate.  ``--piece-minutes`` ends a command early and keeps the schedule: the next
one goes on where it stopped, also on other rows.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.packing import fim
from engine.packing.examples import MIDDLE, NO_LOSS
from scripts.train import evaluate, history, precision, settings
from scripts.train.model import Llama, ModelConfig
from scripts.train.muon import Muon
from scripts.train.pack import Encoder
from scripts.train.tokenizer import load

log = logging.getLogger(__name__)

LONG_EVERY = 8
"""One batch in so many is made of long rows."""


class Batches:
    """Walks the packed rows; position, in rows, and number of calls are all there is to save.

    Each batch holds rows of one length.  When the rows run out they are shuffled anew.  ``passed``
    is the share of the rows of each length to leave to the weights that a run begins with.
    """

    def __init__(self, folder: Path, tokens: int, passed: float = 0.0) -> None:
        files = sorted(folder.glob("rows_*.npy"), key=lambda p: int(p.stem.split("_")[1]))
        if not files:
            raise ValueError(f"{folder} has no rows_*.npy; `pack` or `parts join` puts them there")
        self._rows = [np.load(file, mmap_mode="r") for file in files]
        self._flags = [
            np.load(file.with_name(file.name.replace("rows", "flags")), mmap_mode="r")
            for file in files
        ]
        self._tokens = tokens
        self.calls = 0
        self.position = [int(passed * len(rows)) for rows in self._rows]

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        """Return tokens and flags, shape (B, L + 1)."""
        self.calls += 1
        kind = len(self._rows) - 1 if self.calls % LONG_EVERY == 0 else 0
        rows = self._rows[kind]
        count = min(len(rows), max(1, self._tokens // (rows.shape[1] - 1)))
        if self.position[kind] % len(rows) + count > len(rows):
            # A last, smaller batch is left out.
            self.position[kind] += -self.position[kind] % len(rows)
        epoch, first = divmod(self.position[kind], len(rows))
        self.position[kind] += count
        chosen = np.arange(first, first + count)
        if epoch:
            chosen = np.sort(np.random.default_rng(epoch).permutation(len(rows))[chosen])
        return rows[chosen].astype(np.int64), self._flags[kind][chosen]


@dataclass(slots=True)
class Progress:
    """What a run has done so far; saved with each checkpoint."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def schedule(share: float, step: int, warmup: int, decay: float) -> float:
    """Return the factor on the learning rates: warm-up, constant, linear decay to 0.

    Example:
        >>> [schedule(s, 1000, 100, 0.5) for s in (0.2, 0.5, 0.75, 1.0)]
        [1.0, 1.0, 0.5, 0.0]
    """
    return min(1.0, (step + 1) / warmup, max(0.0, (1 - share) / decay))


def optimisers(model: Llama, arguments: argparse.Namespace) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices of the layers and AdamW for embedding and norms."""
    matrices = [p for p in model.model.layers.parameters() if p.ndim == 2]
    taken = {id(p) for p in matrices}
    others = [p for p in model.parameters() if id(p) not in taken]
    return [
        Muon(matrices, precision.TYPES[arguments.precision], lr=arguments.muon_lr),
        torch.optim.AdamW(others, lr=arguments.adam_lr, betas=(0.9, 0.95), weight_decay=0.0),
    ]


def save(path: Path, state: dict[str, object]) -> None:
    """Write a checkpoint; the old one stays until the new one is whole."""
    temporary = path.with_suffix(".tmp")
    torch.save(state, temporary)
    temporary.replace(path)


def evaluation(work: Path, device: str) -> Callable[[Llama], dict[str, object]]:
    """Return a function that measures a model on held-out files."""
    encode = Encoder(load(work / "tokenizer.json"))
    documents = evaluate.held_out_documents(work / "heldout.jsonl")
    windows = evaluate.loss_windows(documents, encode, 96)
    questions = evaluate.questions(documents, 24, fim.rest_of_line)

    def measure(model: Llama) -> dict[str, object]:
        loss = evaluate.measure_loss(model, windows, device)
        score, answers = evaluate.measure_fim(model, questions, encode, device)
        return {"heldout": asdict(loss), "fim": asdict(score), "samples": answers[:6]}

    return measure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options of ``train``."""
    length = parser.add_mutually_exclusive_group(required=True)
    length.add_argument("--minutes", type=float, help="training time, evaluations included")
    length.add_argument("--tokens", type=float, help="tokens to see")
    parser.add_argument("--set", choices=settings.SETS, default=settings.DEFAULT_SET)
    parser.add_argument(
        "--config", type=Path, help="JSON with fields of ModelConfig, for a new run"
    )
    parser.add_argument(
        "--init", type=Path, help="weights folder to begin with where no checkpoint is"
    )
    parser.add_argument(
        "--rows-passed",
        type=float,
        default=0.0,
        metavar="SHARE",
        help="of the rows to pass over, those that the weights of --init have seen",
    )
    parser.add_argument(
        "--piece-minutes", type=float, help="stop after this long; the next command goes on"
    )
    parser.add_argument("--batch-tokens", type=int, default=8192, help="of one step")
    parser.add_argument("--part-tokens", type=int, default=2048, help="of one forward pass")
    parser.add_argument("--workers", type=int, default=1, help="threads, each with own passes")
    parser.add_argument("--muon-lr", type=float, default=0.02)
    parser.add_argument("--adam-lr", type=float, default=0.003)
    parser.add_argument("--warmup", type=int, default=60, help="steps")
    parser.add_argument("--decay", type=float, default=0.35, help="last share of the run")
    parser.add_argument("--middle-weight", type=float, default=3.0, help="of a middle's tokens")
    parser.add_argument("--checkpoint-minutes", type=float, default=5.0)
    parser.add_argument("--evaluate-minutes", type=float, default=15.0)
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--precision",
        choices=sorted(precision.TYPES),
        help="of matrix products; default: the faster one on this device",
    )
    parser.add_argument("--compile", action="store_true", help="compile the layers")
    parser.add_argument("--seed", type=int, default=1)


class Run:
    """One run of training: the model, its optimisers, and what the workers share.

    ``gather`` guards the sums of gradients and the walk over the rows, ``stepping`` the weights.
    A part under way during a step sees some weights before and some after it.  With one worker
    a run is deterministic, but for ``--minutes``.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.options = arguments
        self.work: Path = arguments.work
        self.device: str = arguments.device
        arguments.precision = arguments.precision or precision.fastest(self.device)
        torch.manual_seed(arguments.seed)
        self.checkpoint = self.work / "checkpoint.pt"
        state = self._saved()
        self.model = self._begin(state).to(self.device)
        self.optimizers = optimisers(self.model, arguments)
        self.base = [[g["lr"] for g in optimizer.param_groups] for optimizer in self.optimizers]
        passed = arguments.rows_passed if state is None else 0.0
        self.batches = Batches(self.work / arguments.set, arguments.part_tokens, passed)
        self.progress = Progress()
        if state is not None:
            self._resume(state)
        self._measure = evaluation(self.work, self.device)
        if state is None:
            history.begin(self.work / "train.jsonl", arguments.init)
        elif arguments.init is not None:
            log.warning("%s goes on; --init is for a new run", self.checkpoint)
        self._log = (self.work / "train.jsonl").open("a", encoding="utf-8")
        self.gather, self.stepping = threading.Lock(), threading.Lock()
        self._sums = [torch.zeros_like(p) for p in self.model.parameters()]
        self._tokens = 0
        self._losses: list[torch.Tensor] = []
        self._clock = self._began = time.monotonic()
        self._last_save = self._last_evaluation = self._last_line = self.progress.seconds
        self._last_tokens = self.progress.tokens

    def _saved(self) -> dict[str, Any] | None:
        if not self.checkpoint.exists():
            return None
        state: dict[str, Any]
        state = torch.load(self.checkpoint, map_location=self.device, weights_only=True)
        return state

    def _begin(self, state: dict[str, Any] | None) -> Llama:
        """Return the checkpoint's model, the one that ``--init`` names, or a random one."""
        if state is not None:
            model = Llama(ModelConfig(**state["config"]))
            model.load_state_dict(state["model"])
            return model
        if self.options.init is not None:
            return evaluate.load_weights(self.options.init, self.device)
        config = self.options.config
        return Llama(ModelConfig(**(json.loads(config.read_text()) if config else {})))

    def _resume(self, state: dict[str, Any]) -> None:
        """Go on where a checkpoint was made."""
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        # Rows of another set begin at their beginning.
        if state.get("set", "core") == self.options.set:
            self.batches.position = state["position"]
            self.batches.calls = state.get("calls", 0)
        self.progress = Progress(state["step"], state["tokens"], state["seconds"])
        log.info("resumed at step %d", self.progress.step)

    def _save(self) -> None:
        state = {
            "config": asdict(self.model.config),
            "model": self.model.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "position": self.batches.position,
            "calls": self.batches.calls,
            "set": self.options.set,
            **asdict(self.progress),
        }
        save(self.checkpoint, state)

    def write(self, record: dict[str, object]) -> None:
        """Add a line to train.jsonl."""
        done = self.progress
        at = {"step": done.step, "tokens": done.tokens, "seconds": round(done.seconds)}
        self._log.write(json.dumps(at | record) + "\n")
        self._log.flush()

    def used(self) -> float:
        """Return the share of the run that is done."""
        if self.options.minutes is not None:
            return float(self.progress.seconds / (60 * self.options.minutes))
        return float(self.progress.tokens / self.options.tokens)

    def over(self) -> bool:
        """Say whether the run, or this piece of it, is done."""
        piece = self.options.piece_minutes
        return self.used() >= 1 or (
            piece is not None and time.monotonic() - self._began >= 60 * piece
        )

    def train(self) -> None:
        """Run the workers to the end of the run or of the piece; measure at the run's end."""
        parameters = sum(p.numel() for p in self.model.parameters())
        options = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in vars(self.options).items()
            if value is not None
        }
        rows = hashlib.sha256((self.work / self.options.set / "pack.json").read_bytes())
        self.write({"start": options, "parameters": parameters, "pack": rows.hexdigest()})
        failures: list[BaseException] = []

        def guarded() -> None:
            try:
                self._worker(failures)
            except BaseException as failure:
                failures.append(failure)
                raise

        workers = [threading.Thread(target=guarded) for _ in range(self.options.workers)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        if failures:
            raise RuntimeError("a worker failed; the last checkpoint is intact") from failures[0]
        self._save()
        if self.used() >= 1:
            self.write({"end": True, **self._measure(self.model)})
        else:
            self.write({"pause": True})

    def _replica(self) -> Llama:
        """Return a model with the same weights in memory and gradients of its own."""
        replica = Llama(self.model.config).to(self.device)
        for own, shared in zip(replica.parameters(), self.model.parameters(), strict=True):
            own.data = shared.data
        return replica

    def _worker(self, failures: list[BaseException]) -> None:
        if self.options.workers > 1:
            torch.set_num_threads(1)
        replica = self._replica()
        if self.options.compile:
            # The head's loss has its own backward pass and stays as it is.
            replica.hidden = torch.compile(replica.hidden)
        # A batch that was begun is finished: a piece's end loses no gradient.
        while not (self.over() and self._tokens == 0) and not failures:
            with self.gather:
                rows, flags = self.batches.next()
            tokens = torch.from_numpy(rows).to(self.device)
            middles = (self.options.middle_weight - 1) * (flags[:, 1:] == MIDDLE)
            weights = torch.from_numpy((flags[:, 1:] != NO_LOSS) + middles).float()
            with precision.products(self.device, self.options.precision):
                loss = replica.loss(tokens[:, :-1], tokens[:, 1:], weights.to(self.device))
            count = rows.shape[0] * (rows.shape[1] - 1)
            (loss * count).backward()
            self._add(replica, loss.detach(), count)

    def _add(self, replica: Llama, loss: torch.Tensor, count: int) -> None:
        """Add a part's gradient to the batch; make the step if that completes it."""
        with self.gather:
            for total, parameter in zip(self._sums, replica.parameters(), strict=True):
                total.add_(parameter.grad)
            self._tokens += count
            self._losses.append(loss)
            complete = self._tokens >= self.options.batch_tokens
        replica.zero_grad(set_to_none=True)
        if complete:
            with self.stepping:
                self._step()

    def _step(self) -> None:
        with self.gather:
            count, self._tokens = self._tokens, 0
            if count < self.options.batch_tokens:
                # Another worker took this batch while we waited.
                self._tokens = count
                return
            for parameter, total in zip(self.model.parameters(), self._sums, strict=True):
                parameter.grad = total / count
                total.zero_()
        progress = self.progress
        factor = schedule(self.used(), progress.step, self.options.warmup, self.options.decay)
        for optimizer, rates in zip(self.optimizers, self.base, strict=True):
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * factor
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        for optimizer in self.optimizers:
            optimizer.step()
        progress.step += 1
        progress.tokens += count
        now = time.monotonic()
        progress.seconds, self._clock = progress.seconds + now - self._clock, now
        self._report(factor)

    def _report(self, factor: float) -> None:
        """Log, save and measure when it is time to."""
        progress = self.progress
        if progress.step % 10 == 0:
            with self.gather:
                losses, self._losses = self._losses, []
            mean = float(torch.stack(losses).mean())
            rate = (progress.tokens - self._last_tokens) / (progress.seconds - self._last_line)
            self.write({"loss": round(mean, 4), "lr": round(factor, 4), "tok/s": round(rate)})
            self._last_tokens, self._last_line = progress.tokens, progress.seconds
        if progress.seconds - self._last_save > 60 * self.options.checkpoint_minutes:
            self._save()
            self._last_save = progress.seconds
        if progress.seconds - self._last_evaluation > 60 * self.options.evaluate_minutes:
            self.write(self._measure(self.model))
            self._last_evaluation = progress.seconds


def run(arguments: argparse.Namespace) -> None:
    """Train to the end of the time or the tokens.

    Raises:
        ValueError: ``--rows-passed`` is no share, or there are no weights that saw those rows.
    """
    if not 0 <= arguments.rows_passed < 1:
        raise ValueError(f"--rows-passed {arguments.rows_passed:g} is no share of the rows: 0 … 1")
    if arguments.rows_passed and arguments.init is None:
        raise ValueError("--rows-passed is for weights that have seen those rows; name --init")
    Run(arguments).train()
