"""The prompts that families of models were trained on, told by the tokens in a vocabulary.

A style is a row of control tokens and parts of text.  It is chosen by the control tokens that the
vocabulary has, or by the keys of a GGUF file, never by a template out of a file: that is code.
Knows no tokenizer library and renders nothing (`engine.completion.prompts.prompt` does).

Source:
    Each family's own documentation: Qwen2.5-Coder technical report (2024), table 2; StarCoder 2
    (Lozhkov et al., 2024), section 5; Code Llama (Rozière et al., 2023), section 2.3; the model
    cards of DeepSeek-Coder, CodeGemma, Granite, Codestral, Mellum and CodeGeeX.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from engine.tokenizer import Tokenizer

__all__ = ["PLAIN", "STYLES", "Part", "PromptStyle", "find_style", "marker_id", "text_ends"]


class Part(Enum):
    """A part of a prompt that is text."""

    FILES = "files"
    """Chunks of other files, after the repository's name."""
    HEADER = "header"
    """The file's control token and its path, if there is a path."""
    NAME = "name"
    """The file's path alone, if there is one and it goes without a control token."""
    BEFORE = "before"
    """The text before the cursor; where `TYPED` is a part, only the lines above the cursor's."""
    AFTER = "after"
    """The text after the cursor."""
    TYPED = "typed"
    """The cursor's line up to the cursor.  It comes last, so typing only appends tokens."""


FILES, HEADER, NAME, BEFORE, AFTER, TYPED = Part

_BY_KEY = "key:"
"""Begins the name of a control token that a GGUF key tells, by its role."""


@dataclass(frozen=True, slots=True)
class PromptStyle:
    """How one family's prompts are put together."""

    name: str
    parts: tuple[str | Part, ...]
    """Control tokens, which the vocabulary must have, and parts, in order."""
    needs: tuple[str, ...] = ()
    """More control tokens that the vocabulary must have."""
    lacks: tuple[str, ...] = ()
    """Control tokens that it must not have."""
    model: str = ""
    """A word that the model's name must have, for a family that no control token tells."""
    repository: str = ""
    """Control token in front of the repository's name; empty: the name is left out."""
    repository_end: str = "\n"
    """Text after the repository's name."""
    file: str = ""
    """Control token in front of each path; empty: text alone tells where a file begins."""
    path_line: str = "{path}\n"
    """Text that names a file."""
    chunk_end: str = "\n"
    """Text after a chunk of another file."""
    always_named: bool = True
    """Whether the file is named also where no other file is shown."""
    ends: tuple[str, ...] = ()
    """Control tokens with which the model ends a text, the usual one first; empty: any."""
    healed: int = 4
    """Most tokens before the cursor that are left out of the prompt and generated again."""

    @property
    def suffix_first(self) -> bool:
        """Whether the text after the cursor comes before the text before it."""
        return AFTER in self.parts and self.parts.index(AFTER) < self.parts.index(BEFORE)

    @property
    def shows_files(self) -> bool:
        """Whether chunks of other files have a place."""
        return FILES in self.parts


def _piped(*middle: str | Part) -> tuple[str | Part, ...]:
    return (*middle, "<|fim_prefix|>", BEFORE, "<|fim_suffix|>", AFTER, "<|fim_middle|>", TYPED)


def _plain_angles(*front: str | Part) -> tuple[str | Part, ...]:
    return (*front, "<fim_prefix>", BEFORE, "<fim_suffix>", AFTER, "<fim_middle>", TYPED)


STYLES: tuple[PromptStyle, ...] = (
    PromptStyle(  # half of the bundled models' training examples; the suffix stays in the cache
        "spark",
        (HEADER, "<|fim_prefix|>", "<|fim_suffix|>", AFTER, "<|fim_middle|>", BEFORE),
        needs=("<|file_sep|>",),
        lacks=("<|im_start|>",),
        file="<|file_sep|>",
        ends=("<|endoftext|>",),
        healed=1,
    ),
    PromptStyle(
        "qwen",
        _piped(FILES, HEADER),
        needs=("<|file_sep|>", "<|repo_name|>"),
        repository="<|repo_name|>",
        file="<|file_sep|>",
    ),
    PromptStyle("codegemma", _piped(), needs=("<|file_separator|>",)),
    PromptStyle("granite", _piped()),
    PromptStyle(
        "mellum",
        (FILES, HEADER, "<fim_suffix>", AFTER, "<fim_prefix>", BEFORE, "<fim_middle>", TYPED),
        needs=("<filename>",),
        model="mellum",
        file="<filename>",
    ),
    PromptStyle(
        "starcoder2",
        (
            *(FILES, "<file_sep>", "<fim_prefix>", NAME, BEFORE),
            *("<fim_suffix>", AFTER, "<fim_middle>", TYPED),
        ),
        needs=("<repo_name>",),
        lacks=("<reponame>",),
        repository="<repo_name>",
        repository_end="",
        file="<file_sep>",
        chunk_end="",
    ),
    PromptStyle(
        "codeqwen",
        _plain_angles(FILES, HEADER),
        needs=("<file_sep>", "<reponame>"),
        repository="<reponame>",
        file="<file_sep>",
    ),
    PromptStyle("starcoder", _plain_angles()),
    PromptStyle(
        "santacoder",
        ("<fim-prefix>", BEFORE, "<fim-suffix>", AFTER, "<fim-middle>", TYPED),
    ),
    PromptStyle(
        "deepseek",
        (
            *("<｜fim▁begin｜>", FILES, NAME, BEFORE),
            *("<｜fim▁hole｜>", AFTER, "<｜fim▁end｜>", TYPED),
        ),
        path_line="#{path}\n",
        always_named=False,
    ),
    PromptStyle(
        "codellama",
        ("▁<PRE>", BEFORE, "▁<SUF>", AFTER, "▁<MID>", TYPED),
    ),
    PromptStyle(
        "codestral",
        ("[SUFFIX]", AFTER, "[PREFIX]", FILES, NAME, BEFORE),
        path_line="+++++ {path}\n",
        chunk_end="\n\n",
        always_named=False,
    ),
    PromptStyle(
        "glm",
        ("<|code_prefix|>", BEFORE, "<|code_suffix|>", AFTER, "<|code_middle|>", TYPED),
    ),
    PromptStyle(
        "keys",
        (
            *(_BY_KEY + "prefix", BEFORE, _BY_KEY + "suffix", AFTER),
            *(_BY_KEY + "middle", TYPED),
        ),
    ),
)
"""Every style that fills in the middle; the first that fits a vocabulary is the one."""

PLAIN = PromptStyle("plain", (BEFORE,))
"""For a model that only goes on after a text."""


def find_style(tokenizer: Tokenizer, model: str = "") -> PromptStyle | None:
    """Return the style in which a model fills in the middle; None: it cannot.

    Args:
        tokenizer: The model's.
        model: Its name.
    """
    return next((style for style in STYLES if _fits(style, tokenizer, model)), None)


def marker_id(tokenizer: Tokenizer, name: str) -> int | None:
    """Return the id of a control token of a style; None if the vocabulary lacks it."""
    if name.startswith(_BY_KEY):
        return tokenizer.roles.parts.get(name.removeprefix(_BY_KEY))
    return tokenizer.special(name)


def text_ends(style: PromptStyle, tokenizer: Tokenizer) -> NDArray[np.int64]:
    """Return the ids with which a model of a style ends a text, the usual one first."""
    known = [i for name in style.ends if (i := marker_id(tokenizer, name)) is not None]
    if not known:
        usual = [i for i in [tokenizer.roles.end] if i is not None]
        known = list(dict.fromkeys([*usual, *sorted(tokenizer.special_ids)]))
    return np.array(known, np.int64)


def _fits(style: PromptStyle, tokenizer: Tokenizer, model: str) -> bool:
    wanted = [*(part for part in style.parts if isinstance(part, str)), *style.needs]
    return (
        all(marker_id(tokenizer, name) is not None for name in wanted)
        and all(tokenizer.special(name) is None for name in style.lacks)
        and style.model in model.lower()
    )
