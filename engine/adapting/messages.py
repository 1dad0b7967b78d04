"""What a run of adapting tells whoever started it: one JSON object a line.  Data only."""

import msgspec

from engine.protocol.training import TrainingScene

__all__ = [
    "AdaptFailed", "AdaptMessage", "AdaptProgress", "AdaptScene", "Adapted", "decode_message",
]  # fmt: skip


class AdaptProgress(msgspec.Struct, frozen=True, tag="progress"):
    """How far it is."""

    stage: str
    """``"reading"``, ``"rehearsing"``, ``"planned"`` (what learning will take is told),
    ``"learning"``, ``"choosing"``, ``"judging"`` or ``"waiting"``."""
    share: float
    """Of the stage, 0 … 1."""
    detail: str = ""
    """A few words: steps and losses, or what is waited for."""
    steps: int = 0
    """That are done, while it learns."""


class AdaptScene(msgspec.Struct, frozen=True, tag="scene"):
    """What a step of it would be on the wafer, for those who show that."""

    scene: TrainingScene


class Adapted(msgspec.Struct, frozen=True, tag="adapted"):
    """How it ended."""

    name: str
    """The model's, ``BASE+REPOSITORY``."""
    kept: bool
    why: str
    """One line: what was gained, or why nothing is kept."""
    path: str | None
    """Where the model lies; None if it is not kept."""
    size_bytes: int
    """Of its files; 0 if it is not kept."""
    repository: str
    files: dict[str, int]
    """How many are learnt, watched and judged, copies of held-out ones, and those left out."""
    steps: int
    tokens: int
    epochs: int
    seconds: float
    """Of learning."""
    watched_loss: list[tuple[int, float]]
    """Step and loss of the watched files, nats a token."""
    figures: dict[str, object]
    """``"choice"``: of the watched files (`engine.adapting.interpolation`); the others: of the
    judged ones (`engine.adapting.verdict`)."""


class AdaptFailed(msgspec.Struct, frozen=True, tag="failed"):
    """Why it ended without a result."""

    message: str
    stopped: bool = False
    """It was told to; what was learnt is kept, and the same call goes on."""


AdaptMessage = AdaptProgress | AdaptScene | Adapted | AdaptFailed


def decode_message(line: bytes) -> AdaptMessage:
    """Return the message in a line.

    Raises:
        msgspec.MsgspecError: It holds something else.
    """
    message: AdaptMessage = msgspec.json.decode(line, type=AdaptMessage)
    return message
