"""Session: one model on one machine, opened once, completing text at cursors.

The face of the engine inside a process; `engine.server` and the command line use it.  Opens the
parts, lets one request at a time through to them and describes their state; computes nothing.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Lock

from msgspec.structs import replace

from engine.asking.answer_writer import AnswerWriter
from engine.completion.answers.answer_looks import AnswerLooks
from engine.completion.completer import Completer, Listener
from engine.completion.machine_info import machine_info
from engine.completion.model_info import model_info
from engine.completion.scoring import FollowedStep, Score, follow, score
from engine.completion.stats import WaferMeter
from engine.completion.writing.draft import Draft
from engine.completion.writing.finished_text import likelihoods_of
from engine.completion.writing.sure_text import TextSoFar
from engine.editing.rewriter import Rewriter
from engine.errors import EngineError, PlacementError
from engine.generation.generator import Generator, RunnerStep
from engine.generation.speculation import Speculation
from engine.host_cores import worthwhile_cores
from engine.host_memory import kv_budget_bytes
from engine.knowledge.tuning import Tuning, find_tuning
from engine.model.load import load_model
from engine.model_store.lookup import find_model
from engine.protocol.asking import AskReply, AskRequest, Reading
from engine.protocol.completion import Completion, CompletionRequest, RepositoryStats
from engine.protocol.editing import Edit, EditRequest
from engine.protocol.messages import (
    MachineInfo,
    ModelInfo,
    OtherText,
    Progress,
    Telemetry,
    WatchedCores,
)
from engine.protocol.peers import PeerComparison
from engine.telemetry.counters import WorkCounters
from engine.telemetry.snapshot import Snapshot, View, cell_grid, describe
from engine.telemetry.wafer_answers import WaferAnswers
from engine.tokenizer import Tokenizer
from engine.wafer.plan.placed import TierRunner, open_placed
from engine.wafer.program import machine as machines
from engine.wafer.program.machine import MachineSpec
from engine.wafer.tiers import find_tier
from engine.wafer.timing.counts import Counts
from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = ["Session", "default_threads"]


def default_threads() -> int:
    """Return the compute threads used when none are asked for: a core each, 8 at most."""
    return worthwhile_cores()


class Session:
    """One model on one machine.  Open with `open`.

    `complete` serves one request at a time; it blocks, and any thread may call it.  Any thread may
    call `snapshot` and `telemetry` at any time; they do not block.
    """

    def __init__(
        self,
        model: ModelInfo,
        machine: MachineInfo,
        tokenizer: Tokenizer,
        runner: TierRunner,
        tuning: Tuning | None = None,
        *,
        speculation: bool = True,
    ) -> None:
        self.model = replace(model, threshold=tuning.threshold if tuning else None)
        self.machine = machine
        self.threads = runner.threads
        self.processor_path = runner.processor_path
        self._placed, self._runner = runner.placed, runner
        self.wafer = WaferAnswers(runner.placed)
        """Answers questions about single cores.  Any thread."""
        self._meter = WaferMeter(machine, runner.placed, runner.context_length)
        self._work = WorkCounters()
        self._generator = Generator(
            runner, self._count, Speculation() if speculation else None, kv_budget_bytes()
        )
        self._completer = Completer(model, tokenizer, self._generator, self._meter, tuning)
        self._rewriter = Rewriter(model, tokenizer, self._generator, self._meter)
        self._answer_writer = AnswerWriter(model, tokenizer, self._generator, self._meter)
        self.looks = AnswerLooks(model.name, machine, runner.placed, self._completer.records)
        """Looks into the last answers.  Any thread."""
        self._lock = Lock()
        self._busy = False
        self._closed = False

    @classmethod
    def open(
        cls,
        model: str | None = None,
        machine: str = "wse3",
        clock_ghz: float | None = None,
        *,
        tier: str = "fast",
        threads: int | None = None,
        speculation: bool = True,
        changes: WaferChanges = UNCHANGED,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> "Session":
        """Load a model, place it on a machine and make it ready to run.

        Args:
            model: Name of a bundled model, or path of a folder or GGUF file; None is the default.
            machine: Name of a machine.
            clock_ghz: Clock that turns cycles into seconds; None is the machine's own.
            tier: One of `engine.wafer.tiers.TIERS`.
            threads: Threads that compute; None is `default_threads`.
            speculation: Whether guessed tokens are verified together.  No text depends on it; the
                wafer's cycles per token do, and through it on host time.
            changes: Of the machine, and of how the model lies on it.
            on_progress: Called in this thread with each step.

        Raises:
            EngineError: The tier, the machine or the model cannot be used, or the model does
                not fit the machine.
        """
        open_tier = find_tier(tier)
        report = on_progress or (lambda progress: None)
        report(Progress("model", 0, 1, "reading the model"))
        spec = _running(machines.get(machine, clock_ghz, changes), changes)
        loaded = load_model(find_model(model))
        with ThreadPoolExecutor(1, "vocabulary") as beside:
            # Kernels are fetched by LLVM, which leaves the interpreter to others meanwhile.
            vocabulary = beside.submit(Tokenizer.load, loaded.path, loaded.gguf)
            report(Progress("model", 0, 1, "placing the model"))
            placed = open_placed(loaded.graph, spec, formats=loaded.formats, changes=changes)
            report(Progress("model", 0, 1, "packing the weights"))
            runner = open_tier(
                placed,
                loaded.tensors,
                threads=threads or default_threads(),
                model=loaded.path,
                on_progress=lambda done, total, label: report(
                    Progress("kernels", done, total, label)
                ),
            )
            try:
                report(Progress("kernels", 1, 1, "reading the vocabulary"))
                tokenizer = vocabulary.result()
                report(Progress("kernels", 1, 1, "packing the weights"))
                runner.finish()
            except BaseException:  # also an opening that is given up
                runner.close()
                raise
        return cls(
            model_info(loaded, tokenizer),
            machine_info(placed),
            tokenizer,
            runner,
            find_tuning(loaded.path, loaded.name, loaded.weight_bytes),
            speculation=speculation,
        )

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's vocabulary."""
        return self._completer.tokenizer

    def tune(self, tuning: Tuning | None) -> None:
        """Weigh repository knowledge by other numbers from now on; None: leave it out."""
        with self._lock:
            self._completer.preparer.tune(tuning)

    def split_prompts(self, typed_lines: int | None) -> None:
        """Make prompts as if so many lines above the cursor's had been typed just now.

        For measuring; None, at first: what a person typed since the prompt was made decides.
        """
        with self._lock:
            self._completer.preparer.typed_lines = typed_lines

    @property
    def threshold(self) -> float | None:
        """Mean log-probability below which a text is not shown unasked; None: all are shown."""
        return self._completer.preparer.threshold

    def read_repository(
        self, root: str, private_patterns: tuple[str, ...] = (), near: str = ""
    ) -> RepositoryStats:
        """Read the files of a repository that are new or have changed; blocks until it is done.

        Completions with the same ``repository`` and patterns then use all of them.  Without this
        call they use what a background thread has read so far.

        Args:
            root: The repository's folder.
            private_patterns: More patterns of private files.
            near: A file in it; of too many files those nearest to it are read.

        Returns:
            How much was read: nothing for a model without a tuning.
        """
        return self._completer.preparer.read_repository(root, private_patterns, near)

    # ── requests ────────────────────────────────────────────────────────────────────────────

    def complete(
        self,
        request: CompletionRequest,
        *,
        on_text: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
        quick: bool = False,
        sure_only: bool = False,
        threshold: float | None = None,
        others: int = 0,
        on_other: Callable[[OtherText], None] | None = None,
        on_prompt: Callable[[str], None] | None = None,
        on_draft: Callable[[TextSoFar], None] | None = None,
    ) -> Completion:
        """Return the text for a cursor.

        Args:
            request: Where and how.
            on_text: Called in this thread with all text so far, whenever it has changed.  Until
                the first line is complete, another one may replace it.
            cancelled: Asked between tokens, between pieces of the prompt, and after `interrupt`;
                True ends the completion with what there is.  What was computed stays in the KV
                cache.
            quick: Whether less context is better than a later answer: where much would have to be
                read first, a larger model then reads only what is near the cursor.
            sure_only: Whether to tell only text that hardly ever is withdrawn, and to leave out
                an unlikely rest: for an answer that nobody asked for.
            threshold: Mean log-probability from which a text is likely; None: the model's.
            others: How many other texts are wanted as well.
            on_other: Called in this thread with each of them, its number left at 0.
            on_prompt: Called in this thread with what the model reads, control tokens by name.
            on_draft: Called in this thread with every text so far, sure or not, and the whole one
                last.

        Raises:
            PromptError: The file is private, or the request does not fit the model's context.
            EngineError: A sampling setting is outside its range, or the session is closed.
        """
        with self._serving():
            return self._completer.complete(
                request,
                Listener(
                    on_text or (lambda text: None),
                    cancelled or (lambda: False),
                    on_prompt or (lambda prompt: None),
                    _tell_other(on_other or (lambda other: None)),
                    on_draft or (lambda text: None),
                ),
                quick=quick,
                sure_only=sure_only,
                threshold=threshold,
                others=others,
            )

    def rewrite(
        self,
        request: EditRequest,
        *,
        on_text: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Edit:
        """Return lines of a text as an instruction wants them.

        Args:
            request: The lines and the instruction.
            on_text: Called in this thread with the lines so far, whenever they have changed.
            cancelled: As for `complete`.

        Raises:
            PromptError: The file is private, the lines do not exist or do not fit the model's
                context, the instruction is empty, or the model follows none.
            EngineError: The session is closed.
        """
        with self._serving():
            return self._rewriter.rewrite(
                request, on_text or (lambda text: None), cancelled or (lambda: False)
            )

    def ask(
        self,
        request: AskRequest,
        *,
        on_reading: Callable[[Reading], None] | None = None,
        on_text: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> AskReply:
        """Return the answer to a question about the code.

        Args:
            request: The question, and where it is asked.
            on_reading: Called in this thread with what the model is shown, before it reads that.
            on_text: Called in this thread with the answer so far, whenever it has grown.
            cancelled: As for `complete`; also asked between the files that are searched.

        Raises:
            PromptError: The question is empty or too long, lines of a file that no model is shown
                are selected, or the model only completes.
            EngineError: The session is closed.
        """
        with self._serving():
            return self._answer_writer.ask(
                request,
                on_reading or (lambda reading: None),
                on_text or (lambda text: None),
                cancelled or (lambda: False),
            )

    def interrupt(self) -> None:
        """Have ``cancelled`` asked at once, also inside a step.  Any thread; does not block.

        Set what ``cancelled`` tells first.
        """
        self._generator.interrupt()

    def grow(self, cancelled: Callable[[], bool]) -> None:
        """Compute what the next request at the last cursor will probably want, if anything.

        For idle time: it ends soon after `interrupt` if ``cancelled`` then says True, and goes on
        from there the next time.
        """
        with self._lock:
            if not self._closed:
                self._completer.grow(cancelled)

    def score(self, request: CompletionRequest, target: str) -> Score:
        """Return how likely ``target`` is at a cursor, as `engine.completion.scoring` does."""
        with self._lock:
            return score(self._completer, request, target)

    def follow(self, request: CompletionRequest, target: str) -> Iterator[FollowedStep]:
        """Dictate ``target`` at a cursor, as `engine.completion.scoring` does.

        No other request is served before the iterator is exhausted or closed.
        """
        with self._lock:
            yield from follow(self._completer, request, target)

    @contextmanager
    def _serving(self) -> Iterator[None]:
        """Serve one request, after those before it.

        Raises:
            EngineError: The session is closed.
        """
        with self._lock:
            if self._closed:
                raise EngineError("the session is closed; open a new one")
            self._busy = True
            try:
                yield
            finally:
                self._busy = False

    # ── state ───────────────────────────────────────────────────────────────────────────────

    def _count(self, step: RunnerStep) -> None:
        self._work.add(
            decode=step.decode,
            tokens=step.used if step.decode else step.rows - step.logits + 1,
            seconds=step.seconds,
            cycles=self._meter.cycles(step),
        )

    def snapshot(self) -> Snapshot:
        """Return the totals so far and the state now.  Any thread; does not block."""
        return Snapshot(
            work=self._work.read(),
            busy=self._busy,
            position=self._generator.position,
            context_length=self._meter.context_length,
            counts=self._placed.counts,
        )

    def view(self, cores: WatchedCores | None) -> View:
        """Return a view of cells of cores, for `telemetry`; it takes a while.  Any thread."""
        return View(cores, self._placed.view(cell_grid(cores)))

    def telemetry(
        self,
        sequence: int,
        older: Snapshot,
        newer: Snapshot,
        view: View,
        shown: Counts | None = None,
    ) -> Telemetry:
        """Return the message about the interval between two snapshots.  Any thread.

        Args:
            sequence: The message's number.
            older: Before the interval.
            newer: After it.
            view: What is looked at.
            shown: Counts whose states are shown instead of the interval's.
        """
        return describe(sequence, older, newer, view, shown)

    def beside_peers(self, clock_ghz: float | None = None) -> PeerComparison:
        """Return a token on the wafer, as measured here so far, and on peers.  Any thread.

        It stands behind the rows that are in the KV cache; the first takes a while.

        Args:
            clock_ghz: Clock of the wafer; None: the machine's own.
        """
        position = min(self._generator.position, self._meter.context_length - 1)
        return self.looks.beside_peers(self._work, position, clock_ghz)

    def close(self) -> None:
        """Wait for the request that runs, serve no more and end the threads that compute."""
        with self._lock:
            self._closed = True
            self._runner.close()


def _running(spec: MachineSpec, changes: WaferChanges) -> MachineSpec:
    """Return a machine on which a model can run.

    Raises:
        PlacementError: It is more than one wafer.
    """
    if changes.wafers > 1:
        raise PlacementError(
            f"{changes.wafers} wafers asked for: a model runs on one; several are priced only"
        )
    return spec


def _tell_other(on_other: Callable[[OtherText], None]) -> Callable[[str, Draft], None]:
    """Return what hears of other texts and tells each as a message."""
    return lambda text, draft: on_other(
        OtherText(0, text, draft.mean_logprob, likelihoods_of(draft, text))
    )
