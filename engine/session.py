"""Session: one model on one machine, opened once, completing text at cursors.

The face of the engine inside a process; `engine.server` and the command line use it.  Joins
prompt, generation, stop rules and statistics; computes nothing itself.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from engine.completion.opening import Opening
from engine.completion.place import Place
from engine.completion.prompt import Prompt, PromptBuilder
from engine.completion.stop import StopRules
from engine.completion.syntax import Syntax, is_python
from engine.completion.trim import trim, without_extra_indent, without_unfinished_line
from engine.completion.write import write
from engine.completion.writer import Limits, Writer
from engine.errors import EngineError, PromptError
from engine.generation.generator import Generation, Generator, Step
from engine.generation.sampling import make_sampler, mask, softmax
from engine.knowledge.advice import Advice
from engine.knowledge.adviser import Adviser
from engine.knowledge.library import Library
from engine.knowledge.tuning import Tuning, load_tuning
from engine.model.catalogue import find_model
from engine.model.load import Model, load_model
from engine.protocol.messages import (
    HostStats,
    MachineInfo,
    ModelInfo,
    Progress,
    RegionInfo,
    RepositoryStats,
    Telemetry,
    WaferStats,
)
from engine.repository.privacy import is_secret
from engine.telemetry.counters import WorkCounters
from engine.telemetry.snapshot import Snapshot, describe
from engine.tokenizer import Tokenizer
from engine.units import Gigahertz, tokens_per_second
from engine.wafer.plan.placed import Placed, TierRunner, open_placed
from engine.wafer.program import machine as machines
from engine.wafer.tiers import find_tier

__all__ = [
    "Completion",
    "CompletionRequest",
    "FollowedStep",
    "Score",
    "Session",
    "default_threads",
]


@dataclass(frozen=True, slots=True)
class CompletionRequest:
    """A cursor in a text, and how to complete it."""

    path: str
    """Shown to the model; names the language and tells private files."""
    prefix: str
    """Text before the cursor."""
    suffix: str
    """Text after the cursor."""
    max_tokens: int = 64
    temperature: float = 0.0
    """0 is greedy."""
    top_k: int = 0
    """0 means no limit."""
    top_p: float = 1.0
    seed: int = 0
    multi_line: bool = True
    """False: stop at the end of the cursor's line."""
    repository: str | None = None
    """Folder of the repository that ``path`` is relative to: its other files and the buffer are
    mixed into the model's predictions.  None: the model alone."""
    private_patterns: tuple[str, ...] = ()
    """More patterns of files that are never read, from a person's settings."""


@dataclass(frozen=True, slots=True)
class Completion:
    """The text for a cursor and what it took."""

    text: str
    """Trimmed; may be empty."""
    finish_reason: str
    """``stop`` (the model ended it), ``length``, ``trimmed`` (a rule cut it), ``cancelled``."""
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    """Tokens generated, trimmed ones included, the end token not."""
    host: HostStats
    wafer: WaferStats
    repository: RepositoryStats | None = None
    """What the code around contributed; None where the model wrote alone."""
    mean_logprob: float | None = None
    """Mean natural log-probability of the chosen tokens, mixed as they were chosen from."""
    shown: bool = True
    """Whether the text is worth showing unasked: it is not empty and ``mean_logprob`` reaches
    the model's threshold.  ``text`` does not depend on it."""


@dataclass(frozen=True, slots=True)
class Score:
    """How likely a text is at a cursor."""

    bits: float
    """−log2 of its probability, the end of the completion left out."""
    tokens: int
    """Tokens it was cut into, healed ones included."""


@dataclass(frozen=True, slots=True)
class FollowedStep:
    """One token of a given text, before it is chosen."""

    token: int | None
    """The one that follows; None: the text is at its end."""
    logits: NDArray[np.float32]
    """The model's, shape (V,)."""
    allowed: list[int] | None
    """Ids that can begin what healing has yet to say; None: all."""
    advice: Advice | None


def default_threads() -> int:
    """Return the compute threads used when none are asked for: all cores but one, at least 1."""
    has_affinity = hasattr(os, "sched_getaffinity")  # not on macOS
    cores = len(os.sched_getaffinity(0)) if has_affinity else os.cpu_count() or 1
    return max(1, cores - 1)


class Session:
    """One model on one machine.  Open with `open`.

    `complete` serves one request at a time and may be called from any thread; it blocks.
    `snapshot` and `telemetry` may be called from any thread at any time and do not block.
    """

    def __init__(
        self,
        model: ModelInfo,
        machine: MachineInfo,
        tokenizer: Tokenizer,
        runner: TierRunner,
        tuning: Tuning | None = None,
    ) -> None:
        self.model = model
        self.machine = machine
        self.threads = runner.threads
        self.processor_path = runner.processor_path
        self._tokenizer = tokenizer
        self._placed = runner.placed
        self._context_length = runner.context_length
        self._builder = PromptBuilder(tokenizer, runner.context_length, model.fill_in_the_middle)
        self._adviser = Adviser(tokenizer, tuning, model.language) if tuning else None
        self._opening = Opening(tokenizer)
        self._work = WorkCounters()
        self._generator = Generator(runner, self._count)
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
        on_progress: Callable[[Progress], None] | None = None,
    ) -> "Session":
        """Load a model, place it on a machine and make it ready to run.

        Args:
            model: Name of a bundled model or path of a folder; None is the bundled default.
            machine: Name of a machine.
            clock_ghz: Clock that turns cycles into seconds; None is the machine's own.
            tier: One of `engine.wafer.tiers.TIERS`.
            threads: Threads that compute; None is `default_threads`.
            on_progress: Called in this thread with each step.

        Raises:
            EngineError: The tier, the machine or the model cannot be used, or the model does
                not fit the machine.
        """
        open_tier = find_tier(tier)
        report = on_progress or (lambda progress: None)
        report(Progress("model", 0, 1, "reading the model"))
        spec = machines.get(machine, clock_ghz)
        loaded = load_model(find_model(model))
        tokenizer = Tokenizer.load(loaded.folder)
        report(Progress("model", 1, 1, f"{loaded.name} is read"))
        placed = open_placed(loaded.graph, spec)
        runner = open_tier(
            placed,
            loaded.tensors,
            threads=threads or default_threads(),
            on_progress=lambda done, total, label: report(Progress("kernels", done, total, label)),
        )
        return cls(
            _model_info(loaded),
            _machine_info(placed),
            tokenizer,
            runner,
            load_tuning(loaded.folder),
        )

    @property
    def tokenizer(self) -> Tokenizer:
        """The model's vocabulary."""
        return self._tokenizer

    def tune(self, tuning: Tuning | None) -> None:
        """Mix repository knowledge in by other numbers from now on; None: never."""
        with self._lock:
            self._adviser = (
                Adviser(self._tokenizer, tuning, self.model.language) if tuning else None
            )

    @property
    def threshold(self) -> float | None:
        """Mean log-probability below which a text is not shown unasked; None: there is none."""
        return self._adviser.tuning.threshold if self._adviser else None

    def read_repository(self, root: str, private_patterns: tuple[str, ...] = ()) -> RepositoryStats:
        """Read a repository's files now, or those that changed; blocks until all are indexed.

        Completions with the same ``repository`` and patterns then use all of it.  Without this
        call they use what a thread in the background has read so far.

        Returns:
            How much was read; nothing is read for a model without a tuning.
        """
        if self._adviser is None:
            return RepositoryStats(0, 0, 0.0, 0.0)
        library = self._adviser.read(root, private_patterns)
        return RepositoryStats(library.files, library.tokens, 0.0, 0.0)

    # ── completing ──────────────────────────────────────────────────────────────────────────

    def complete(
        self,
        request: CompletionRequest,
        *,
        on_text: Callable[[str], None] | None = None,
        cancelled: Callable[[], bool] | None = None,
    ) -> Completion:
        """Return the text for a cursor.

        Args:
            request: Where and how.
            on_text: Called in this thread with all text so far whenever it has changed.  Until the
                first line is whole it may yet be taken back for another one.
            cancelled: Asked between tokens and between pieces of the prompt; True ends the
                completion with what there is.  What was computed stays in the KV cache.

        Raises:
            PromptError: The file is private, or the request does not fit the model's context.
            EngineError: A sampling setting is outside its range, or the session is closed.
        """
        pattern = is_secret(request.path, request.private_patterns)
        if pattern is not None:
            raise PromptError(
                f"{request.path} is private: it matches {pattern!r}, and such files are never "
                "read as context nor completed"
            )
        with self._lock:
            if self._closed:
                raise EngineError("the session is closed; open a new one")
            self._busy = True
            try:
                return self._complete(
                    request, on_text or (lambda text: None), cancelled or (lambda: False)
                )
            finally:
                self._busy = False

    def _complete(
        self,
        request: CompletionRequest,
        on_text: Callable[[str], None],
        cancelled: Callable[[], bool],
    ) -> Completion:
        start = perf_counter()
        # The model knows one kind of line end; a face turns them back into the file's.
        prefix = request.prefix.replace("\r\n", "\n")
        suffix = request.suffix.replace("\r\n", "\n")
        place = Place.of(prefix, suffix)
        prompt = self._builder.build(request.path, prefix, suffix, request.max_tokens)
        sampler = make_sampler(request.temperature, request.top_k, request.top_p, request.seed)
        rules = StopRules(place, request.multi_line)
        advice, library = self._advise(request, prefix, suffix, prompt, one_line=rules.one_line)
        coefficients = self._adviser.coefficients if self._adviser else ()
        limits = self._limits(request.path, prefix, suffix, rules)
        writer = Writer(
            self._tokenizer, sampler, prompt.healing, rules, advice, coefficients, limits
        )
        generation = Generation()
        first_text = write(
            writer, self._generator, prompt.ids, request.max_tokens, generation, on_text, cancelled
        )
        written = writer.text if writer.ended else without_unfinished_line(writer.text)
        text = trim(written, place, multi_line=request.multi_line)
        if limits.syntax is not None:
            text = limits.syntax.readable(text)
        return Completion(
            text=text,
            finish_reason=_finish_reason(writer.ended, written, text, place, generation),
            prompt_tokens=len(prompt.ids),
            cached_tokens=generation.cached_tokens,
            completion_tokens=writer.generated,
            host=_host_stats(generation, first_text - start),
            wafer=self._wafer_stats(generation, len(prompt.ids)),
            repository=_repository_stats(library, writer),
            mean_logprob=writer.mean_logprob,
            shown=bool(text.strip()) and _reaches(writer.mean_logprob, self.threshold),
        )

    def _limits(self, path: str, prefix: str, suffix: str, rules: StopRules) -> Limits:
        """Return what a completion is not to be."""
        barred = self._opening.barred(
            path, prefix, rules.place, one_line=rules.one_line, silence=self.threshold is None
        )
        return Limits(Syntax(prefix, suffix) if is_python(path) else None, barred)

    def _advise(
        self,
        request: CompletionRequest,
        prefix: str,
        suffix: str,
        prompt: Prompt,
        *,
        one_line: bool,
    ) -> tuple[Advice | None, Library | None]:
        """Return what the code around says of a request, and the library it comes from."""
        if self._adviser is None or request.repository is None:
            return None, None
        library = self._adviser.library(request.repository, request.private_patterns)
        advice = self._adviser.advise(
            library,
            request.path,
            prefix,
            suffix,
            prompt.before,
            prompt.healing,
            one_line=one_line,
        )
        return advice, library

    # ── measuring ───────────────────────────────────────────────────────────────────────────

    def score(self, request: CompletionRequest, target: str) -> Score:
        """Return how likely ``target`` is at a cursor, as `complete` would choose its tokens."""
        bits, tokens = 0.0, 0
        for step in self.follow(request, target):
            if step.token is None:
                break
            logits = step.logits
            if step.advice is not None and self._adviser is not None:
                logits = step.advice.mix(logits, self._adviser.coefficients)
            if step.allowed is not None:
                logits = mask(logits, step.allowed)
            weights = softmax(logits)
            # What float32 rounds to nothing counts as its smallest number.
            bits -= float(np.log2(max(weights[step.token] / weights.sum(), 2.0**-126)))
            tokens += 1
        return Score(bits, tokens)

    def follow(self, request: CompletionRequest, target: str) -> Iterator[FollowedStep]:
        """Yield the state before each token of ``target`` and after the last.

        The tokens are dictated; each step is to be used before the next is asked for.

        Raises:
            PromptError: ``target`` does not fit the model's context.
        """
        prefix = request.prefix.replace("\r\n", "\n")
        suffix = request.suffix.replace("\r\n", "\n")
        room = len(self._tokenizer.encode_part(target)) + 8
        prompt = self._builder.build(request.path, prefix, suffix, room)
        rules = StopRules(Place.of(prefix, suffix), request.multi_line)
        advice, _ = self._advise(request, prefix, suffix, prompt, one_line=rules.one_line)
        healing = prompt.healing
        dictated = self._tokenizer.encode_part(healing.decode() + target)
        seen: list[NDArray[np.float32]] = []

        def pick(logits: NDArray[np.float32]) -> int:
            seen.append(logits)
            # After the last token its successor does not matter.
            return dictated[len(seen) - 1] if len(seen) <= len(dictated) else 0

        with self._lock:
            run = self._generator.run(prompt.ids, pick, len(dictated) + 1, Generation())
            for i, token in enumerate(run):
                allowed = self._tokenizer.continuations(healing) if healing else None
                follower = token if i < len(dictated) else None
                yield FollowedStep(follower, seen[i], allowed, advice)
                if advice is not None:
                    advice.push(token)
                healing = healing[len(self._tokenizer.token_bytes(token)) :]

    # ── figures ─────────────────────────────────────────────────────────────────────────────

    def _count(self, step: Step) -> None:
        self._work.add(
            decode=step.decode,
            tokens=step.rows,
            seconds=step.seconds,
            cycles=self._placed.step_cycles(step.position, step.rows),
        )

    def _wafer_stats(self, generation: Generation, prompt_tokens: int) -> WaferStats:
        placed = self._placed
        prefill = [step for step in generation.steps if not step.decode]
        decoded = [step.position for step in generation.steps if step.decode]
        # Without a decode step: one step at the position the prompt ends at.
        positions = decoded or [min(prompt_tokens, self._context_length - 1)]
        cycles = [placed.step_cycles(position) for position in positions]
        busy = sum(
            placed.mac_utilisation(position) * taken
            for position, taken in zip(positions, cycles, strict=True)
        )
        per_token = sum(cycles) / len(cycles)
        machine = self.machine
        return WaferStats(
            machine=machine.name,
            clock_ghz=machine.clock_ghz,
            program=machine.program,
            cores_used=machine.cores_used,
            cycles_prefill=sum(placed.step_cycles(step.position, step.rows) for step in prefill),
            cycles_per_token=per_token,
            tokens_per_second=tokens_per_second(per_token, Gigahertz(machine.clock_ghz)),
            mac_utilisation=busy / sum(cycles),
            sram_bytes_per_core_max=max(
                region.sram_bytes["max_total"] for region in machine.regions
            ),
        )

    def snapshot(self) -> Snapshot:
        """Return the totals so far and the state now.  Any thread; does not block."""
        return Snapshot(
            work=self._work.read(),
            busy=self._busy,
            position=self._generator.position,
            context_length=self._context_length,
            counts=self._placed.counts,
        )

    def telemetry(self, sequence: int, older: Snapshot, newer: Snapshot) -> Telemetry:
        """Return the message about the interval between two snapshots.  Any thread."""
        activity = self._placed.expand(newer.counts.since(older.counts))
        return describe(sequence, older, newer, activity)

    def close(self) -> None:
        """Wait for the request that runs and serve no more."""
        with self._lock:
            self._closed = True


def _finish_reason(
    ended: str | None, written: str, text: str, place: Place, generation: Generation
) -> str:
    """Return why a completion that was ``written`` and trimmed to ``text`` ended."""
    if generation.cancelled:
        return "cancelled"
    cut = without_extra_indent(written, place)[len(text) :]
    return "trimmed" if cut.strip() else ended or "length"


def _reaches(mean_logprob: float | None, threshold: float | None) -> bool:
    """Return whether a text is likely enough to be shown unasked."""
    return threshold is None or mean_logprob is None or mean_logprob >= threshold


def _repository_stats(library: Library | None, writer: Writer) -> RepositoryStats | None:
    if library is None:
        return None
    return RepositoryStats(library.files, library.tokens, writer.changed, writer.weight)


def _model_info(model: Model) -> ModelInfo:
    graph = model.graph
    return ModelInfo(
        name=model.name,
        folder=str(Path(model.folder)),
        parameters=model.parameters,
        layers=graph.layers,
        width=graph.width,
        vocabulary=graph.vocabulary,
        context_length=graph.context_length,
        language=model.language,
        weight_bytes=model.weight_bytes,
        fill_in_the_middle=model.fim,
    )


def _machine_info(placed: Placed) -> MachineInfo:
    machine, program = placed.machine, placed.program
    return MachineInfo(
        name=machine.name,
        clock_ghz=machine.clock_ghz,
        columns=machine.columns,
        rows=machine.rows,
        sram_bytes_per_core=machine.sram_bytes,
        program=program.hash,
        cores_used=program.cores_used,
        regions=[
            RegionInfo(each.label, each.x, each.y, each.width, each.height, each.sram_bytes)
            for each in program.regions
        ],
    )


def _host_stats(generation: Generation, first_text_seconds: float) -> HostStats:
    decode_seconds = generation.seconds(decode=True)
    decode_steps = sum(step.decode for step in generation.steps)
    return HostStats(
        prefill_ms=generation.seconds(decode=False) * 1e3,
        decode_ms=decode_seconds * 1e3,
        first_text_ms=first_text_seconds * 1e3,
        tokens_per_second=decode_steps / decode_seconds if decode_steps else None,
    )
