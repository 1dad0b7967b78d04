"""One question about the code, what was read for it, and its answer.

Light, as `engine.protocol.completion` is.  Lines count from 1; both ends belong to a range.
"""

from typing import Literal

import msgspec

from engine.protocol.completion import HostStats, WaferStats

__all__ = ["TEXT_CHARACTERS", "AskReply", "AskRequest", "AskTurn", "ReadPart", "Reading"]

TEXT_CHARACTERS = 65_536
"""Most text of the open file that a client sends: of a longer one the lines around the cursor."""


class AskTurn(msgspec.Struct, frozen=True):
    """An earlier question of a conversation, and its answer."""

    question: str
    answer: str
    asked: str = ""
    """What the model was shown then, as `AskReply.asked` told it: shown again word for word, it
    costs nothing.  Empty: the question alone is repeated."""


class AskRequest(msgspec.Struct, frozen=True):
    """A question about the code, and where the person stands who asks it."""

    question: str
    path: str = ""
    """The open file, relative to the repository; empty: none."""
    text: str = ""
    """Its text as the person sees it, with ``\\n`` line ends, or a part of it."""
    start: int = 1
    """The line of the file that ``text`` begins with."""
    line: int = 1
    """The cursor's line."""
    first: int = 0
    last: int = 0
    """The selected lines; 0 where nothing is selected."""
    earlier: tuple[AskTurn, ...] = ()
    """The conversation so far, the oldest turn first."""
    repository: str | None = None
    """Folder of the repository whose other files may be read; None: none are."""
    private_patterns: tuple[str, ...] = ()
    """Further patterns of files that are never read, from the person's settings."""
    max_tokens: int = 768
    """Longest answer."""
    instructions: str | None = None
    """What the model is told first in place of our own words, perhaps nothing; each question then
    goes to it word for word.  None: our own."""


class ReadPart(msgspec.Struct, frozen=True):
    """Lines of a file that the model was shown."""

    path: str
    first: int
    last: int
    why: Literal["selected", "open", "defines", "similar"]
    """What made them worth it: the selection, the open file, they define a name of the question,
    or they use its words."""


class Reading(msgspec.Struct, frozen=True):
    """What is about to be read for an answer."""

    parts: tuple[ReadPart, ...]
    left_out: tuple[str, ...]
    """What was not read although it was meant, each with the reason, for a person."""
    prompt_tokens: int


class AskReply(msgspec.Struct, frozen=True):
    """The answer to a question, and what it took."""

    text: str
    """Markdown, as the model wrote it: it may hold anything."""
    finish_reason: str
    """``stop`` (the model ended it), ``length``, ``repeats`` (it went in circles and was stopped)
    or ``cancelled``."""
    asked: str
    """What the model was shown for this question: send it back as `AskTurn.asked`."""
    forgotten: int
    """Earliest turns that the context had no room for: leave them out from now on."""
    parts: tuple[ReadPart, ...]
    left_out: tuple[str, ...]
    model: str
    prompt_tokens: int
    cached_tokens: int
    """Prompt tokens that were still in the KV cache."""
    completion_tokens: int
    host: HostStats
    wafer: WaferStats | None
    """As in `Completion`."""
