"""Dictates a text at a cursor token by token: how likely it is, and what the model says instead.

For measuring and fitting, never for completing: no rule cuts the text and nothing is barred.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.completion.completer import Completer
from engine.generation.generator import Generation
from engine.generation.sampling import mask, softmax
from engine.knowledge.advice import Advice
from engine.protocol.completion import CompletionRequest

__all__ = ["FollowedStep", "Score", "follow", "score"]

_ROOM_TOKENS = 8
"""Kept free beside the text's own tokens: with healing it may be cut into a few more."""

_LEAST = 2.0**-126
"""Probabilities that float32 rounds to 0 count as its smallest normal number."""


@dataclass(frozen=True, slots=True)
class Score:
    """How likely a text is at a cursor."""

    bits: float
    """−log2 of its probability, without that of the completion's end."""
    tokens: int
    """Tokens it was cut into, healed ones included."""


@dataclass(frozen=True, slots=True)
class FollowedStep:
    """The predictions before one token of a dictated text."""

    token: int | None
    """The token that follows; None: the text is at its end."""
    logits: NDArray[np.float32]
    """The model's, shape (V,)."""
    allowed: NDArray[np.int64] | None
    """Ids that agree with the healing still due; None: all."""
    advice: Advice | None


def score(completer: Completer, request: CompletionRequest, target: str) -> Score:
    """Return how likely ``target`` is at a cursor, by the probabilities that `complete` draws from.

    Raises:
        PromptError: ``target`` does not fit the model's context.
    """
    bits, tokens = 0.0, 0
    for step in follow(completer, request, target):
        if step.token is None:
            break
        logits = step.logits
        if step.advice is not None:
            logits = step.advice.mix(logits, completer.coefficients)
        if step.allowed is not None:
            logits = mask(logits, step.allowed)
        weights = softmax(logits)
        bits -= float(np.log2(max(weights[step.token] / weights.sum(), _LEAST)))
        tokens += 1
    return Score(bits, tokens)


def follow(completer: Completer, request: CompletionRequest, target: str) -> Iterator[FollowedStep]:
    """Yield the predictions before each token of ``target`` and after the last.

    Use each step before you ask for the next one: its advice moves on.

    Raises:
        PromptError: ``target`` does not fit the model's context.
    """
    tokenizer = completer.tokenizer
    room = len(tokenizer.encode_part(target)) + _ROOM_TOKENS
    prepared = completer.prepare(request, room)
    advice, healing = prepared.advice, prepared.prompt.healing
    dictated = tokenizer.encode_part(healing.decode() + target)
    seen: list[NDArray[np.float32]] = []

    def pick(logits: NDArray[np.float32]) -> int:
        seen.append(logits)
        # The token after the last one does not matter: nothing is asked behind it.
        return dictated[len(seen) - 1] if len(seen) <= len(dictated) else 0

    run = completer.generator.run(prepared.prompt.ids, pick, len(dictated) + 1, Generation())
    for i, token in enumerate(run):
        allowed = tokenizer.continuations(healing) if healing else None
        yield FollowedStep(token if i < len(dictated) else None, seen[i], allowed, advice)
        if advice is not None:
            advice.push(token)
        healing = healing[len(tokenizer.token_bytes(token)) :]
