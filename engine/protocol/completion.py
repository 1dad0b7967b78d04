"""One completion: the request for a text at a cursor, and the text with what it took.

The same two types go all the way: the app and the command line build a `CompletionRequest`, the
session answers it with a `Completion`, the socket carries both, and ``--json`` prints the latter
field by field.  They live in the protocol because both ends need them and one end must stay light:
only msgspec is imported here, no numpy and no numba.

Times are milliseconds of **host** time, cycles are **wafer** time.
"""

import msgspec

__all__ = [
    "PREFIX_CHARACTERS",
    "SUFFIX_CHARACTERS",
    "Completion",
    "CompletionRequest",
    "HostStats",
    "RepositoryStats",
    "TextChunk",
    "WaferStats",
]

PREFIX_CHARACTERS = 32_768
"""Most text that a client sends from before the cursor: the end of a longer one."""

SUFFIX_CHARACTERS = 16_384
"""Most text that a client sends from after the cursor: the beginning of a longer one."""


class TextChunk(msgspec.Struct, frozen=True):
    """A part of another file that a client brings along."""

    path: str
    text: str


class CompletionRequest(msgspec.Struct, frozen=True):
    """A cursor in a text, and how to complete it."""

    path: str
    """The file's path relative to the repository: the model reads it, and it tells the language
    and whether the file is private."""
    prefix: str
    """Text before the cursor."""
    suffix: str
    """Text after the cursor."""
    max_tokens: int = 64
    temperature: float = 0.0
    """0 always takes the likeliest token."""
    top_k: int = 0
    """Choose among this many tokens; 0 means all."""
    top_p: float = 1.0
    """Choose among the fewest tokens that together have this probability; 1 means all."""
    seed: int = 0
    multi_line: bool = True
    """False: stop at the end of the cursor's line."""
    repository: str | None = None
    """Folder of the repository; its other files and the buffer are mixed into the model's
    predictions.  None: the model writes alone."""
    root: str | None = None
    """The repository's folder, whether its files are read or not: for a remote model it tells
    whether git ignores the file."""
    private_patterns: tuple[str, ...] = ()
    """Further patterns of files that are never read, from the person's settings."""
    chunks: tuple[TextChunk, ...] = ()
    """Parts of other files: with a ``repository`` what the person just saw or changed in its other
    files, the newest first; without one for the model to read before the file, the most useful
    first."""
    expected: str = ""
    """What may come there, such as a smaller model's text: guessed, and verified by the model.
    Only speed depends on it."""


class HostStats(msgspec.Struct, frozen=True):
    """Host time of one completion, measured."""

    prefill_ms: float
    decode_ms: float
    first_text_ms: float
    """From the request to its first text."""
    tokens_per_second: float | None
    """Decode only; None without a decode step."""
    guessed_tokens: int = 0
    """Tokens that were guessed and computed before they were chosen."""
    accepted_tokens: int = 0
    """Those of them that were chosen then: so many passes were saved."""
    queue_ms: float = 0.0
    """From the request's arrival until the session began with it; 0 where it did so at once."""
    trim_ms: float = 0.0
    """Cutting the written text to what is worth showing."""


class WaferStats(msgspec.Struct, frozen=True):
    """Wafer time of one completion, emulated."""

    machine: str
    clock_ghz: float
    program: str
    """The Program's hash."""
    cores_used: int
    cycles_prefill: int
    cycles_per_token: float
    """All decode steps ÷ the tokens chosen from them.  Guessed tokens are in it, the wrong ones
    too; how many are guessed depends on host time."""
    tokens_per_second: float
    mac_utilisation: float
    """MACs ÷ (cores used × cycles × MAC rate) of the decode steps, 0–1."""
    sram_bytes_per_core_max: int
    """Bytes in use on the fullest core."""
    priced_only: bool = False
    """True: another engine wrote the tokens; this is what they would take."""


class RepositoryStats(msgspec.Struct, frozen=True):
    """What the code around the cursor contributed to one completion."""

    files: int
    """Other files of the repository that have been read so far."""
    tokens: int
    """Tokens indexed in them."""
    changed: float
    """Share of the chosen tokens that are not the model's own likeliest, 0–1."""
    mean_weight: float
    """Mean share of the mixture that is not the model's, 0–1."""
    left_out: int | None = 0
    """Files farther away that are not read, because there are too many; None: nobody counted."""


class Completion(msgspec.Struct, frozen=True):
    """The text for a cursor, and what it took."""

    text: str
    """Trimmed; may be empty."""
    finish_reason: str
    """``stop`` (the model ended it), ``length``, ``trimmed`` (a rule cut it), ``cancelled`` or
    ``unsure`` (an unlikely rest was left out; never for a person who asked)."""
    model: str
    """Name of the model that wrote it."""
    prompt_tokens: int
    cached_tokens: int
    """Prompt tokens that were still in the KV cache."""
    completion_tokens: int
    """Tokens generated; counts what was trimmed or taken back, not the end token."""
    host: HostStats
    wafer: WaferStats | None
    """None for a remote model whose configuration is not known here; else what the same tokens
    would take."""
    repository: RepositoryStats | None = None
    """None where the model wrote alone."""
    mean_logprob: float | None = None
    """Mean natural log-probability of the chosen tokens in the mixture they were chosen from; None
    where nothing was chosen."""
    shown: bool = True
    """Whether the text is worth showing unasked: it is not empty, and ``mean_logprob`` reaches
    the threshold, or the text is its likely beginning alone."""
    likelihoods: list[tuple[int, float]] = []
    """(characters of ``text`` up to the end of a token, the token's probability in the mixture),
    token by token; empty where the text was moved to another depth."""
    held_back: str = ""
    """Why the text is less than what the model wrote, or nothing, in a few words for a person;
    empty if it is all of it."""
    answer: int = 0
    """Its number in its session, by which the last ones can be looked into; 0: it has none."""
