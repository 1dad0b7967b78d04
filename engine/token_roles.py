"""What the files of a model say of single tokens of its vocabulary.  Pure data."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from types import MappingProxyType

__all__ = ["CONTROL_LOOKING", "FIM_MARKERS", "FIM_ROLES", "TokenRoles", "fills_the_middle"]

CONTROL_LOOKING = frozenset(
    {
        "<|endoftext|>", "<|end_of_text|>", "<|im_start|>", "<|im_end|>", "<start_of_turn>",
        "<end_of_turn>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>", "<|fim_pad|>",
        "<|fim_begin|>", "<|fim_hole|>", "<|fim_end|>", "<fim_prefix>", "<fim_suffix>",
        "<fim_middle>", "<fim_pad>", "<|repo_name|>", "<repo_name>", "<reponame>", "<|file_sep|>",
        "<|file_separator|>", "<file_sep>", "<|start_of_role|>", "<|end_of_role|>", "</s>",
        "<fim-prefix>", "<fim-suffix>", "<fim-middle>", "<fim-pad>", "<｜fim▁begin｜>",
        "<｜fim▁hole｜>", "<｜fim▁end｜>", "<｜end▁of▁sentence｜>", "▁<PRE>", "▁<SUF>", "▁<MID>",
        "▁<EOT>", "[PREFIX]", "[SUFFIX]", "[MIDDLE]", "<|code_prefix|>", "<|code_suffix|>",
        "<|code_middle|>",
    }
)  # fmt: skip
"""Texts that are control tokens wherever a vocabulary has them; some files call them plain.  As
in llama.cpp ``</s>`` is one and ``<s>`` is not, which Gemma matches whole, as text."""

FIM_ROLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "prefix": ("fim_pre", "prefix"),
        "suffix": ("fim_suf", "suffix"),
        "middle": ("fim_mid", "middle"),
        "pad": ("fim_pad",),
        "repository": ("fim_rep",),
        "file": ("fim_sep",),
    }
)
"""Parts of a fill-in-the-middle prompt, and the names of their keys in a GGUF file
(``tokenizer.ggml.fim_pre_token_id``), the one that counts first; the later ones are deprecated."""


FIM_MARKERS: tuple[frozenset[str], ...] = tuple(
    frozenset(names.split())
    for names in (
        "<|fim_prefix|> <|fim_suffix|> <|fim_middle|>",
        "<fim_prefix> <fim_suffix> <fim_middle>",
        "<fim-prefix> <fim-suffix> <fim-middle>",
        "<｜fim▁begin｜> <｜fim▁hole｜> <｜fim▁end｜>",
        "▁<PRE> ▁<SUF> ▁<MID>",
        "[SUFFIX] [PREFIX]",
        "<|code_prefix|> <|code_suffix|> <|code_middle|>",
    )
)
"""The control tokens with which families fill in the middle, as those use them who write prompts
(`engine.completion.prompts.prompt_styles`)."""


def fills_the_middle(tokens: AbstractSet[str]) -> bool:
    """Return whether a vocabulary with these tokens has all of one family's `FIM_MARKERS`."""
    return any(markers <= tokens for markers in FIM_MARKERS)


@dataclass(frozen=True, slots=True)
class TokenRoles:
    """The tokens that have a role of their own."""

    start: tuple[int, ...] = ()
    """Stand in front of every text that the model reads."""
    end: int | None = None
    """Ends a text or a turn; None: the files name none."""
    parts: Mapping[str, int] = field(default_factory=dict)
    """By the roles of `FIM_ROLES`, as far as the files name them."""
    space_first: bool = False
    """Whether a text begins with a space that is not in it."""
