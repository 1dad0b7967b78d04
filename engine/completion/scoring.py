"""Dictates a text at a cursor token by token: how likely it is, and what the model says instead.

For measuring and fitting, never for completing: no rule cuts the text and nothing is barred.

A text that ends its line is dictated with the line break behind it.  Many vocabularies hold a
bracket and the line break in one token, and a model that writes a line ends it so; without the line
break the last token would be one that neither the model nor a file of the repository says there.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.completion.completer import Completer
from engine.generation.generator import Generation
from engine.generation.sampling import mask
from engine.knowledge.advice import Advice
from engine.protocol.completion import CompletionRequest
from engine.tokenizer import Tokenizer

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
    right: NDArray[np.int64]
    """All ids that say the same: of a token with a line break behind text, those with the same text
    and any line break.  Empty at the end."""
    logits: NDArray[np.float32]
    """The model's, shape (V,)."""
    allowed: NDArray[np.int64] | None
    """Ids that agree with the healing still due; None: all."""
    advice: Advice | None


def score(completer: Completer, request: CompletionRequest, target: str) -> Score:
    """Return how likely ``target`` is at a cursor, by the probabilities that `complete` draws from.

    The end of a line counts where the line's last token holds it.

    Raises:
        PromptError: ``target`` does not fit the model's context.
    """
    bits, tokens = 0.0, 0
    for step in follow(completer, request, target):
        if step.token is None:
            break
        shares = completer.generator.probabilities(step.logits)
        if step.advice is not None:
            shares = step.advice.mix(shares, completer.preparer.coefficients)
        if step.allowed is not None:
            shares = mask(shares, step.allowed, 0.0)
        bits -= float(np.log2(max(shares[step.right].sum() / max(shares.sum(), _LEAST), _LEAST)))
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
    prepared = completer.preparer.prepare(request, room)
    advice, healing = prepared.advice, prepared.prompt.healing
    text = healing.decode() + target
    rules = prepared.rules
    line_ends = rules.one_line and not rules.around.rest.strip()
    dictated, ended = _dictated(tokenizer, text, line_ends=line_ends)
    seen: list[NDArray[np.float32]] = []

    def pick(logits: NDArray[np.float32]) -> int:
        seen.append(logits)
        # The token after the last one does not matter: nothing is asked behind it.
        return dictated[len(seen) - 1] if len(seen) <= len(dictated) else 0

    most = len(dictated) + (not ended)
    run = completer.generator.run(prepared.prompt.ids, pick, most, Generation(), dictated=dictated)
    for i, token in enumerate(run):
        allowed = tokenizer.continuations(healing) if healing else None
        follows = token if i < len(dictated) else None
        yield FollowedStep(follows, _saying(tokenizer, follows), seen[i], allowed, advice)
        if advice is not None:
            advice.push(token)
        healing = healing[len(tokenizer.token_bytes(token)) :]


def _dictated(tokenizer: Tokenizer, text: str, *, line_ends: bool) -> tuple[list[int], bool]:
    """Return a text's tokens, and whether the last of them holds the end of its line, too."""
    if not line_ends:
        return tokenizer.encode_part(text), False
    size = len(text.encode("utf-8", "replace"))
    tokens: list[int] = []
    for token in tokenizer.encode_part(text + "\n"):
        if size <= 0:
            break
        tokens.append(token)
        size -= len(tokenizer.token_bytes(token))
    return tokens, size < 0


def _saying(tokenizer: Tokenizer, token: int | None) -> NDArray[np.int64]:
    """Return the ids that say the same as a token; none for no token."""
    if token is None:
        return np.zeros(0, np.int64)
    text = tokenizer.token_bytes(token)
    line = text.partition(b"\n")[0]
    if line in (b"", text):
        return np.array([token])
    longer = [tokenizer.continuations(line + each) for each in (b"\n", b"\r")]
    found = np.unique(np.concatenate(longer))
    return found[tokenizer.table.lengths[found] > len(line)]
