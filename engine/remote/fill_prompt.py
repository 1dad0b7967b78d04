"""How a cursor becomes a request of a server: its suffix, a family's markers, llama.cpp's /infill.

Pure text: no tokenizer is here, so room is counted in characters.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from engine.completion.prompts.prompt_styles import STYLES, Part, PromptStyle
from engine.protocol.completion import TextChunk

__all__ = ["FillWay", "SentCursor", "family_style", "fill_request", "marked_prompt"]

PREFIX_CHARACTERS = 6_000
"""Most text before the cursor that is sent, from the beginning of a line on."""
SUFFIX_CHARACTERS = 2_500
"""Most text after the cursor, whole lines."""
_PROMPT_CHARACTERS = PREFIX_CHARACTERS + SUFFIX_CHARACTERS

_FAMILIES: tuple[tuple[str, str], ...] = (
    (r"qwen[\d.]*-?coder|codeqwen1\.5-2", "qwen"),
    (r"codeqwen", "codeqwen"),
    (r"starcoder-?2", "starcoder2"),
    (r"starcoder|tiny_?starcoder", "starcoder"),
    (r"santacoder", "santacoder"),
    (r"deepseek-?coder", "deepseek"),
    (r"code-?llama", "codellama"),
    (r"codegemma", "codegemma"),
    (r"granite.*code|granite-[34]", "granite"),
    (r"codestral", "codestral"),
    (r"mellum", "mellum"),
    (r"codegeex", "glm"),
)
"""Names of models as servers tell them, and the style of their family, the first that fits."""

_FIRST_CHARACTERS = "<[▁"
"""What control tokens begin with."""


class FillWay(Enum):
    """How a server fills in the middle."""

    SUFFIX = "suffix"
    """``/completions`` takes a suffix."""
    MARKERS = "markers"
    """``/completions`` reads the family's control tokens in a prompt."""
    INFILL = "infill"
    """llama.cpp's ``/infill``."""
    NONE = "none"
    """It does not: only the text before the cursor is read."""


@dataclass(frozen=True, slots=True)
class SentCursor:
    """What is known at a cursor, cut to what is sent."""

    path: str
    prefix: str
    suffix: str
    chunks: tuple[TextChunk, ...] = ()
    """Parts of other files, the most useful first."""
    repository: str = ""
    """Its name."""

    @classmethod
    def cut(
        cls,
        path: str,
        prefix: str,
        suffix: str,
        characters: int = _PROMPT_CHARACTERS,
        chunks: Sequence[TextChunk] = (),
        repository: str = "",
    ) -> "SentCursor":
        """Return a cursor with at most so many characters around it, cut between lines.

        Args:
            path: The file's.
            prefix: All text before it.
            suffix: All text after it.
            characters: Room; chunks of other files have a quarter of it beside it.
            chunks: Parts of other files.
            repository: Its name.
        """
        room = min(characters, _PROMPT_CHARACTERS)
        before = room * PREFIX_CHARACTERS // _PROMPT_CHARACTERS
        kept, left = [], room // 4
        for chunk in chunks:
            if len(chunk.text) <= left:
                kept.append(chunk)
                left -= len(chunk.text)
        shown = repository if kept else ""
        return cls(path, _end(prefix, before), _beginning(suffix, room - before), (*kept,), shown)


def family_style(model: str) -> PromptStyle | None:
    """Return the style of a family by the name that a server gives a model; None: unknown."""
    name = model.lower()
    found = next((style for pattern, style in _FAMILIES if re.search(pattern, name)), None)
    return next((style for style in STYLES if style.name == found), None)


def marked_prompt(style: PromptStyle, cursor: SentCursor) -> str:
    """Return a prompt in a family's control tokens, written as text.

    The typed line stands with the text before it: where a family has no token of its own for it,
    that is how it was trained.
    """
    texts = {
        Part.FILES: _files(style, cursor),
        Part.HEADER: style.file + style.path_line.format(path=cursor.path) if cursor.path else "",
        Part.NAME: style.path_line.format(path=cursor.path) if cursor.path else "",
        Part.BEFORE: cursor.prefix,
        Part.AFTER: cursor.suffix,
        Part.TYPED: "",
    }
    if not (style.always_named or cursor.chunks):
        texts[Part.NAME] = ""
    return "".join(part if isinstance(part, str) else texts[part] for part in style.parts)


def fill_request(
    way: FillWay, style: PromptStyle | None, cursor: SentCursor
) -> tuple[str, dict[str, Any]]:
    """Return (the path behind the address, the fields that tell the text).

    Args:
        way: How the server fills in the middle.
        style: Of the model's family; for `FillWay.MARKERS`.
        cursor: The text.
    """
    if way is FillWay.INFILL:
        return "/infill", {
            "input_prefix": cursor.prefix,
            "input_suffix": cursor.suffix,
            "input_extra": [
                {"filename": chunk.path, "text": chunk.text} for chunk in cursor.chunks
            ],
            "prompt": "",
        }
    if way is FillWay.MARKERS and style is not None:
        return "/completions", {"prompt": marked_prompt(style, cursor), "stop": _stops(style)}
    if way is FillWay.SUFFIX:
        return "/completions", {"prompt": cursor.prefix, "suffix": cursor.suffix}
    return "/completions", {"prompt": cursor.prefix}


def _files(style: PromptStyle, cursor: SentCursor) -> str:
    if not cursor.chunks:
        return ""
    named = f"{style.repository}{cursor.repository}{style.repository_end}"
    opening = named if style.repository and cursor.repository else ""
    return opening + "".join(
        f"{style.file}{style.path_line.format(path=chunk.path)}"
        f"{chunk.text.rstrip(chr(10))}{style.chunk_end}"
        for chunk in cursor.chunks
    )


def _stops(style: PromptStyle) -> list[str]:
    """Return what a model of a family may write behind its text; servers take four at most."""
    marks = [part for part in style.parts if isinstance(part, str)]
    names = [name for name in (style.file, *marks) if name and name[0] in _FIRST_CHARACTERS]
    return list(dict.fromkeys(names))[:4]


def _end(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    cut = text[-most:]
    return cut.partition("\n")[2] if "\n" in cut[:-1] else cut


def _beginning(text: str, most: int) -> str:
    if len(text) <= most:
        return text
    cut = text[:most]
    return cut[: cut.rfind("\n") + 1] or cut
