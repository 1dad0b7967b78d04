"""Turns the text around a cursor into the ids of a prompt.  Knows nothing of runners or sampling.

A fill-in-the-middle prompt has parts that are encoded separately and joined by control tokens, so
the cursor may stand anywhere in a word.  Which parts, and in which order, is the model's style
(`engine.completion.prompts.prompt_styles`).  Either the text before the cursor comes last, or what
is typed on the cursor's line does: typing only appends tokens, and the rest stays in the KV cache.

A text too long for the model is cut at the start of a line that is chosen by its content, so the
same line is chosen again while the text grows, and the cached tokens survive.  Chunks of other
files come first and do not depend on the cursor, for the same reason.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import chain
from zlib import crc32

from engine.completion.prompts.frames import SPLIT_LINES, SPLIT_TOKENS, TYPED_TOKENS, Frame
from engine.completion.prompts.prompt_styles import PLAIN, Part, PromptStyle, marker_id
from engine.errors import PromptError
from engine.repository.other_files import FileChunk
from engine.tokenizer import Tokenizer

__all__ = ["Prompt", "PromptBuilder", "longest_prompt"]

SMALL_PARAMETERS = 100_000_000
"""A model of at most so many parameters reads a long prompt in a moment."""

SMALL_MODEL_TOKENS, LARGE_MODEL_TOKENS = 1024, 512
"""Longest prompt of a small and of a larger model.  More context helps little, and after a jump of
the cursor all of it is computed before the first word: half a billion parameters read about 100
tokens a second on two cores."""

SUFFIX_SHARES = ((0.25, 0.75), (0.5, 0.5), (1.0, 0.25))
"""(a, b): while the prefix fills at most the share a of the room, the suffix may take the share b.
A few steps and no slope, because the suffix comes first in the cache and must rarely change."""

LATE_SUFFIX_SHARES = ((0.25, 0.4), (0.5, 0.3), (1.0, 0.2))
"""The same where the suffix comes after the prefix: then each new line computes it again."""

TYPED_SHARE = 0.6
"""Most of the room that the cursor's line may take where it is a part of its own."""

CHUNKS_SHARE = 0.25
"""Most room for chunks of other files, as a share of the longest prompt and beside it.

Taken out of the file's own room, they cost as much as they told: the lines that were left out."""

RECENT_SHARE = 0.5
"""The same for what the person just saw or changed in other files."""

LEAST_CHUNK = 16
"""A chunk that would be cut to fewer tokens is left out."""

SLIDE_SHARE = 0.25
"""How far a window may start after the earliest possible start, as a share of the room."""

MARGIN_TOKENS = 8
"""Left free in the context: a cut text may encode to a few more tokens than counted."""

# Code has about 3.7 characters per token; where tokens are longer, a window is a little smaller.
_LOOK_CHARACTERS_A_TOKEN = 6
_ANY_WORD = "return"
"""Stands for the word after an indentation: some vocabularies' words take one space along."""

_LINE_STARTS = re.compile(r"(?<=\n)")
_WORD_STARTS = re.compile(r"(?<=\s)(?=\S)")


def longest_prompt(parameters: int) -> int:
    """Return the most tokens of a prompt for a model with so many parameters."""
    return SMALL_MODEL_TOKENS if parameters <= SMALL_PARAMETERS else LARGE_MODEL_TOKENS


@dataclass(frozen=True, slots=True)
class Prompt:
    """The ids to prefill, and the bytes that the first generated tokens must repeat."""

    ids: list[int]
    healing: bytes = b""
    """Bytes before the cursor that ``ids`` leaves out.  The generated text begins with them; they
    are not part of the completion."""
    before: list[int] = field(default_factory=list)
    """The ids of the text directly before the cursor, as far as the prompt holds it."""
    typed: int | None = None
    """How many of the last ids stand for typed text, behind everything that stays while a person
    types; None: the style has no such part."""
    split: int = 0
    """Where in the text before the cursor the typed text begins, in characters."""


@dataclass(frozen=True, slots=True)
class PromptBuilder:
    """Builds the prompts of one model."""

    tokenizer: Tokenizer
    context_length: int
    style: PromptStyle | None
    """None: the model does not fill in the middle; it goes on after the text before the cursor."""
    max_prompt_tokens: int = SMALL_MODEL_TOKENS
    healing: bool = True
    """Leave out the last tokens before the cursor if a longer one could replace them.

    Measured with spark-nano at 120 held-out cursors inside a line: 12 % exact with it, 6 % without.
    """
    split_lines: int = SPLIT_LINES
    """Lines above the cursor's that count as typed, at most."""
    recent_share: float = RECENT_SHARE

    def build(
        self,
        path: str,
        prefix: str,
        suffix: str,
        max_tokens: int,
        others: Sequence[FileChunk] = (),
        repository: str = "",
        recent: Sequence[FileChunk] = (),
    ) -> Prompt:
        """Return the prompt for a cursor between ``prefix`` and ``suffix``.

        Args:
            path: Put in front for the model to read; empty means no header.
            prefix: Text before the cursor.
            suffix: Text after the cursor; unused for a model without fill-in-the-middle.
            max_tokens: Room to leave for the completion.
            others: Chunks of other files, the best first; shown where the style has a place.
            repository: Its name; shown before the chunks.
            recent: What the person just saw or changed in other files, the best first; stands
                behind the others, the best nearest to the file.

        Raises:
            PromptError: ``max_tokens`` leaves no room in the model's context.
        """
        style = self.style or PLAIN
        most = self.context_length - max_tokens - MARGIN_TOKENS
        limit = min(self.max_prompt_tokens, most)
        markers = sum(isinstance(part, str) for part in style.parts)
        beside = min(int(limit * CHUNKS_SHARE), most - limit)
        later = min(int(limit * self.recent_share), most - limit - beside)
        chunks = self._chunks(style, others, repository, beside, recent, later)
        name = self._name(style, path) if chunks or style.always_named else []
        start = [*self.tokenizer.roles.start]
        header = [*self._marker(style.file), *name] if name and Part.HEADER in style.parts else []
        room = limit - len(start) - len(header or name) - markers
        if room < 1:
            raise PromptError(
                f"max_tokens {max_tokens} leaves no room for a prompt in a context of "
                f"{self.context_length} tokens; ask for fewer"
            )
        texts = self._texts(style, prefix, suffix, room)
        found = {Part.FILES: chunks, Part.HEADER: header, Part.NAME: name, **texts.parts}
        ids = [*start]
        for part in style.parts:
            ids += self._marker(part) if isinstance(part, str) else found[part]
        typed = len(texts.parts[Part.TYPED]) if style.parts[-1] is Part.TYPED else None
        return Prompt(ids or [self._any_control()], texts.healing, texts.before, typed, texts.split)

    def go_on(self, frame: Frame, typed: str, max_tokens: int) -> Prompt | None:
        """Return the prompt with a text typed behind a frame; None: there is no room for it.

        Args:
            frame: Made by a builder of the same style.
            typed: The text between its split point and the cursor.
            max_tokens: Room to leave for the completion.
        """
        ids = self._encode(typed)
        room = self.context_length - max_tokens - MARGIN_TOKENS - len(frame.ids)
        if len(ids) > min(TYPED_TOKENS, room):
            return None
        ids, healing = self._heal_line(ids, (self.style or PLAIN).healed)
        return Prompt([*frame.ids, *ids], healing, [*frame.before, *ids], len(ids))

    def _texts(self, style: PromptStyle, prefix: str, suffix: str, room: int) -> "_Texts":
        """Return the ids of the text around the cursor, ``room`` of them at most."""
        typed_room = int(room * TYPED_SHARE)
        split = len(prefix)
        if Part.TYPED in style.parts:
            split = self._split(prefix, min(SPLIT_TOKENS, typed_room))
        typed = self._fit(self._tail(prefix[split:], typed_room), typed_room)
        tail = self._tail(prefix[:split], room, first=True)
        after: list[int] = []
        if Part.AFTER in style.parts:
            shares = SUFFIX_SHARES if style.suffix_first else LATE_SUFFIX_SHARES
            after = self._beginning(suffix, _suffix_room(len(tail.ids) + len(typed), room, shares))
        before = self._fit(tail, room - len(after) - len(typed))
        if Part.TYPED in style.parts:
            typed, healing = self._heal_line(typed, style.healed)
        else:
            before, healing = self._heal(before, style.healed)
        parts = {Part.BEFORE: before, Part.AFTER: after, Part.TYPED: typed}
        return _Texts(parts, healing, [*before, *typed], split)

    def _split(self, prefix: str, most: int) -> int:
        """Return where the typed text begins: at a line, with ``most`` tokens if it is several."""
        begin = line = prefix.rfind("\n") + 1
        for _ in range(self.split_lines):
            begin = prefix.rfind("\n", 0, max(0, begin - 1)) + 1
        begin = max(begin, len(prefix) - most * _LOOK_CHARACTERS_A_TOKEN)
        _, starts = self.tokenizer.encode_with_starts(prefix[begin:])
        if len(starts) > most:
            begin += starts[-most]
        if begin == 0 or prefix[begin - 1] == "\n":
            return begin
        return prefix.find("\n", begin, line) + 1 or line

    def _chunks(
        self,
        style: PromptStyle,
        others: Sequence[FileChunk],
        repository: str,
        room: int,
        recent: Sequence[FileChunk],
        recent_room: int,
    ) -> list[int]:
        """Return the ids of chunks, those that are the same for longest first; none without one.

        Args:
            style: Of the prompt.
            others: Chunks, the best first.
            repository: Its name.
            room: Most tokens of the name and these chunks.
            recent: More chunks, the best first; it stands last.
            recent_room: Most tokens of them.
        """
        if not style.shows_files:
            return []
        named = style.repository and repository
        text = repository + style.repository_end
        opening = [*self._marker(style.repository), *self._encode(text)] if named else []
        shown = self._fitting_chunks(style, others, room - len(opening))
        shown += reversed(self._fitting_chunks(style, recent, recent_room))
        return [*opening, *chain.from_iterable(shown)] if shown else []

    def _fitting_chunks(
        self, style: PromptStyle, chunks: Sequence[FileChunk], room: int
    ) -> list[list[int]]:
        """Return the ids of the first chunks, ``room`` of them at most; the last may be cut."""
        shown: list[list[int]] = []
        for chunk in chunks:
            head = [
                *self._marker(style.file),
                *self._encode(style.path_line.format(path=chunk.path)),
            ]
            if room - len(head) < LEAST_CHUNK:
                break
            text = chunk.text.rstrip("\n") + style.chunk_end
            shown.append([*head, *self._beginning(text, room - len(head))])
            room -= len(shown[-1])
        return shown

    def _name(self, style: PromptStyle, path: str) -> list[int]:
        """Return the tokens that name the file; none if the style names no files."""
        if not path or not {Part.HEADER, Part.NAME} & {*style.parts}:
            return []
        ids = self._encode(style.path_line.format(path=path))
        # A path is a hint; one that would crowd out code is dropped.
        return ids if len(ids) <= self.context_length // 16 else []

    def _encode(self, text: str) -> list[int]:
        return self.tokenizer.encode_part(text)

    def _beginning(self, text: str, room: int) -> list[int]:
        """Return at most ``room`` ids of a text; a text too long is cut at a line end."""
        text = text[: room * _LOOK_CHARACTERS_A_TOKEN]
        ids, starts = self.tokenizer.encode_with_starts(text)
        if len(ids) <= room:
            return ids
        line_end = text.rfind("\n", 0, starts[room])
        return self.tokenizer.encode_part(text[: line_end + 1])[:room] or ids[:room]

    def _tail(self, text: str, room: int, *, first: bool = False) -> "_Encoded":
        """Encode enough of the end of ``text`` to fill ``room`` tokens."""
        tail = text[-room * _LOOK_CHARACTERS_A_TOKEN :]
        whole = len(tail) == len(text)
        if first and whole and tail and self.tokenizer.roles.space_first:
            tail = " " + tail
        return _Encoded(tail, *self.tokenizer.encode_with_starts(tail), whole)

    def _fit(self, tail: "_Encoded", room: int) -> list[int]:
        """Return at most ``room`` ids of the end of a text."""
        if room < 1:
            return []
        if len(tail.ids) <= room and tail.whole:
            return tail.ids
        spare = max(0, len(tail.ids) - room)
        latest = min(len(tail.ids) - 1, spare + int(room * SLIDE_SHARE))
        start = window_start(tail.text, tail.starts[spare], tail.starts[latest])
        return self.tokenizer.encode_part(tail.text[start:])[-room:]

    def _heal_line(self, ids: list[int], most: int) -> tuple[list[int], bytes]:
        """Heal the cursor's line up to the cursor; lines above it stay as they are.

        Indentation alone is given as it is encoded in front of a word; only what the word's own
        token takes of it is left out.  Directly after a control token, blanks that a model had to
        write itself ran on: 64 tokens of them, where a line should have come.
        """
        content = self.tokenizer.decode_bytes(ids)
        line = content[content.rfind(b"\n") + 1 :]
        if not self.healing or not content or line.strip(b" \t"):
            return self._heal(ids, min(most, self._count_last(ids, len(line))))
        text = content.decode()
        ids, starts = self.tokenizer.encode_with_starts(text + _ANY_WORD)
        word = bisect_right(starts, len(text)) - 1
        return ids[:word], text[starts[word] :].encode()

    def _count_last(self, ids: list[int], size: int) -> int:
        """Return how many of the last ids lie within the last ``size`` bytes."""
        for count, token in enumerate(reversed(ids)):
            size -= len(self.tokenizer.token_bytes(token))
            if size < 0:
                return count
        return len(ids)

    def _heal(self, ids: list[int], most: int) -> tuple[list[int], bytes]:
        """Return ``ids`` less its last tokens, and their bytes, if a longer token begins so.

        Args:
            ids: Tokens directly before the cursor.
            most: Most tokens to leave out; of several ways, the one that leaves out most.
        """
        if self.healing:
            for count in range(min(most, len(ids)), 0, -1):
                last = self.tokenizer.decode_bytes(ids[-count:])
                # Part of a character cannot be held against the person's text.
                if _is_text(last) and self._can_change(last, blanks=most > 1 and count == 1):
                    return ids[:-count], last
        return ids, b""

    def _can_change(self, last: bytes, *, blanks: bool) -> bool:
        """Return whether a longer token may stand there, or take over the last of some blanks."""
        table = self.tokenizer.table
        return table.can_grow(last) or (blanks and not last.strip(b" ") and table.can_grow(b" "))

    def _marker(self, name: str) -> list[int]:
        """Return the id of a control token of the style; none for no name."""
        if not name:
            return []
        marker = marker_id(self.tokenizer, name)
        if marker is None:
            raise PromptError(f"the model's vocabulary has no {name}; it cannot fill in the middle")
        return [marker]

    def _any_control(self) -> int:
        """Return a control token, for a prompt of no text at all."""
        end = self.tokenizer.roles.end
        return min(self.tokenizer.special_ids, default=0) if end is None else end


@dataclass(frozen=True, slots=True)
class _Texts:
    """The text around a cursor as ids."""

    parts: dict[Part, list[int]]
    healing: bytes
    before: list[int]
    split: int
    """Where the typed part begins in the text before the cursor, in characters."""


@dataclass(frozen=True, slots=True)
class _Encoded:
    """The end of a text, its ids, and the character at which each id starts."""

    text: str
    ids: list[int]
    starts: list[int]
    whole: bool
    """Whether ``text`` is the whole text."""


def _is_text(content: bytes) -> bool:
    """Return whether ``content`` is valid UTF-8 on its own."""
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _suffix_room(prefix_tokens: int, room: int, shares: Sequence[tuple[float, float]]) -> int:
    """Return how many tokens of ``room`` the suffix may take."""
    share = next(b for a, b in shares if prefix_tokens <= a * room or a == 1.0)
    return int(room * share)


def window_start(text: str, earliest: int, latest: int) -> int:
    """Return where a window into ``text`` starts, between ``earliest`` and ``latest``.

    The start of the least indented line; among equals, of the line with the smallest checksum.
    The choice depends on the text and not on its position, so it stays the same while the bounds
    move past it.  If no line starts there, a word; if no word does, ``earliest``.
    """
    for starts in (_LINE_STARTS, _WORD_STARTS):
        places = [m.start() for m in starts.finditer(text, earliest, latest)]
        if places:
            return min(places, key=_rank(text))
    return earliest


def _rank(text: str) -> Callable[[int], tuple[bool, int, int]]:
    """Return a key that orders starts in ``text``: filled lines, low indentation, checksum."""

    def rank(place: int) -> tuple[bool, int, int]:
        line = text[place : place + 80].partition("\n")[0]
        return not line.strip(), len(line) - len(line.lstrip()), crc32(line.encode())

    return rank
