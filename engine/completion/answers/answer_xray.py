"""The X-ray of an answer: what is remembered of it, with what the wafer's formulas know of it.

Computes no cycle itself, and runs nothing.
"""

from math import exp

from engine.completion.answers.answer_record import AnsweredToken, AnswerRecord
from engine.generation.generator import RunnerStep
from engine.protocol.messages import MachineInfo
from engine.protocol.xray import StreamVisit, TokenWave, Xray, XrayStep, XrayToken
from engine.telemetry.waves import wave_message
from engine.wafer.program.program import Program
from engine.wafer.xray.step_xray import PlacedXray, StepShape
from engine.wafer.xray.wave import BAND_FIELDS

__all__ = ["answer_xray", "token_wave"]


def answer_xray(record: AnswerRecord, placed: PlacedXray, model: str, machine: MachineInfo) -> Xray:
    """Return the X-ray of an answer."""
    steps = [_step(step, placed) for step in record.steps]
    return Xray(
        answer=record.number,
        text=record.text,
        model=model,
        machine=machine.name,
        clock_ghz=machine.clock_ghz,
        program=machine.program,
        regions=[region.label for region in machine.regions],
        tokens=[_token(token, steps) for token in record.tokens],
        steps=steps,
    )


def token_wave(
    record: AnswerRecord, number: int, placed: PlacedXray, program: Program
) -> TokenWave:
    """Return the wave of the row that an answer's token was chosen from.

    Raises:
        IndexError: The answer has no such token.
    """
    picked = record.tokens[number].picked
    position = record.steps[picked.step].position + picked.row
    bands = placed.bands(position)
    end = int(bands[:, BAND_FIELDS.index("end")].max())
    return wave_message("formulas", position, end, bands, program)


def _token(token: AnsweredToken, steps: list[XrayStep]) -> XrayToken:
    step = steps[token.picked.step]
    return XrayToken(
        text=token.text,
        start=token.start,
        end=token.end,
        step=token.picked.step,
        row=token.picked.row,
        position=step.position + token.picked.row,
        probability=exp(token.logprob),
        others=[(text, exp(logprob)) for text, logprob in token.others],
        cycles=step.cycles / step.used,
    )


def _step(step: RunnerStep, placed: PlacedXray) -> XrayStep:
    seen = placed.step(StepShape(step.position, step.rows, step.logits))
    joules = seen.joules
    return XrayStep(
        position=step.position,
        rows=step.rows,
        logits=step.logits,
        used=step.used,
        decode=step.decode,
        host_ms=step.seconds * 1e3,
        host_bytes=seen.weight_bytes + seen.kv_bytes,
        cycles=seen.cycles,
        cycles_by_operation=seen.cycles_by_operation,
        visits=[StreamVisit(visit.region, visit.begin, visit.end) for visit in seen.visits],
        states_by_region=seen.states.tolist(),
        collectives=seen.sent.collectives,
        wavelets=seen.sent.wavelets,
        wavelet_hops=seen.sent.hops,
        sram_bytes=seen.sram_bytes,
        macs=seen.macs,
        joules=(joules.low, joules.likely, joules.high),
    )
