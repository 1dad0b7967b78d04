"""What can still be asked of the answers that a session gave: X-rays, waves, other machines.

Reads records and formulas; runs no model.  Any thread may ask; the first question takes a while.
"""

from engine.completion.answers.answer_record import KEPT_ANSWERS, AnswerRecord, AnswerRecords
from engine.completion.answers.answer_xray import answer_xray, token_wave
from engine.errors import EngineError
from engine.peers.comparison import compare
from engine.protocol.messages import MachineInfo
from engine.protocol.peers import PeerComparison
from engine.protocol.what_if import WhatIfStep
from engine.protocol.xray import TokenWave, Xray
from engine.telemetry.counters import WorkCounters
from engine.wafer.plan.placed import Placed
from engine.wafer.xray.step_xray import PlacedXray

__all__ = ["AnswerLooks"]


class AnswerLooks:
    """Looks into the last answers of one model on one machine.

    Args:
        model: The model's name.
        machine: Where it lies.
        placed: The same, with its Program.
        records: What the answers were made of.
    """

    def __init__(
        self, model: str, machine: MachineInfo, placed: Placed, records: AnswerRecords
    ) -> None:
        self._model = model
        self._machine = machine
        self._placed = placed
        self._records = records
        self._xray = PlacedXray(placed)

    def xray(self, answer: int) -> Xray:
        """Return the X-ray of a completion.

        Args:
            answer: Its number: `Completion.answer`.

        Raises:
            EngineError: The answer is forgotten.
        """
        return answer_xray(self._record(answer), self._xray, self._model, self._machine)

    def wave(self, answer: int, token: int) -> TokenWave:
        """Return one token's way over the wafer, by formula.

        Args:
            answer: As for `xray`.
            token: Index into its tokens.

        Raises:
            EngineError: The answer is forgotten, or has no such token.
        """
        record = self._record(answer, token)
        return token_wave(record, token, self._xray, self._placed.program)

    def row_of(self, answer: int, token: int) -> tuple[int, int]:
        """Return the position of the row that a token was chosen from, and the token that entered.

        Raises:
            EngineError: As for `wave`.
        """
        record = self._record(answer, token)
        found = record.tokens[token]
        return record.steps[found.picked.step].position + found.picked.row, found.entered

    def steps_of(self, answer: int) -> list[WhatIfStep]:
        """Return the steps of a completion as wafer time sees them, to be priced elsewhere.

        Raises:
            EngineError: The answer is forgotten.
        """
        return [
            WhatIfStep(step.position, step.rows, step.logits, step.used, step.decode)
            for step in self._record(answer).steps
        ]

    def beside_peers(
        self, work: WorkCounters, position: int, clock_ghz: float | None
    ) -> PeerComparison:
        """Return a token on the wafer, as measured here so far, and on peers.

        Args:
            work: What was measured.
            position: Rows in the KV cache before it.
            clock_ghz: Clock of the wafer; None: the machine's own.
        """
        done = work.read()
        measured = done.decode_tokens and done.decode_seconds
        return compare(
            self._placed,
            self._xray,
            position,
            host_tokens_per_second=done.decode_tokens / done.decode_seconds if measured else None,
            clock_ghz=clock_ghz,
        )

    def _record(self, answer: int, token: int | None = None) -> AnswerRecord:
        record = self._records.find(answer)
        if record is None and answer == 0:
            raise EngineError("nothing was written yet")
        if record is None:
            raise EngineError(
                f"answer {answer} is forgotten: the last {KEPT_ANSWERS} are kept; ask for a new one"
            )
        if token is not None and not 0 <= token < len(record.tokens):
            raise EngineError(f"answer {answer} has {len(record.tokens)} tokens, none is {token}")
        return record
