"""A tiny model of any family as a GGUF file, its matrices of any types: `write_tiny_gguf`.

The names, keys and shapes are written out here as llama.cpp's converter writes them, so that the
program's own tables are tested against something else.  Numbers are random; the vocabulary is that
of `tests.tiny`: control tokens, then one token for every byte.
"""

from collections.abc import Mapping, Sequence
from itertools import cycle
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.model.tensors import packed_formats
from tests.gguf_writer import Array, Packed, write_gguf
from tests.packs import random_packs
from tests.tiny import FIRST_BYTE_TOKEN, SPECIAL_TOKENS, byte_tokenizer

CODES = {
    "F32": 0, "F16": 1, "Q4_0": 2, "Q4_1": 3, "Q5_0": 6, "Q5_1": 7, "Q8_0": 8, "Q4_K": 12,
    "Q5_K": 13, "Q6_K": 14, "BF16": 30,
}  # fmt: skip
"""Every type that runs, with its code."""

SMALL_BLOCKS = ("Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1")
"""Types with blocks of 32 inputs."""

SUPER_BLOCKS = ("Q4_K", "Q5_K", "Q6_K")
"""Types with blocks of 256 inputs: take ``hidden``, ``ffn`` and heads × ``head_dim`` of 256."""

FAMILIES = ("llama", "qwen2", "qwen3", "gemma", "gemma2", "gemma3", "starcoder2", "granite")

_CONTROL, _NORMAL = 3, 1


def write_tiny_gguf(
    path: Path,
    family: str = "llama",
    types: Sequence[str] = ("Q8_0",),
    *,
    layers: int = 2,
    tied: bool = True,
    seed: int = 0,
    metadata: Mapping[str, object] | None = None,
    **sizes: int,
) -> Path:
    """Write a file and return its path.

    Args:
        path: The file.
        family: One of `FAMILIES`.
        types: Types of the matrices, one after the other, from the first again when they end.
        layers: Layers.
        tied: Whether the head is the embedding.
        seed: Of the random numbers.
        metadata: Keys to add or to replace; None as a value takes a key away.
        sizes: hidden, heads, kv_heads, head_dim, ffn, vocab, context: other than the small ones.
    """
    sized = Sizes(**sizes)
    random = np.random.default_rng(seed)
    tensors = {}
    kinds = cycle(types)
    for name, shape in tiny_gguf_shapes(family, sized, layers, tied).items():
        kind = "F32"
        if len(shape) == 2:
            kind = next(kinds)
        tensors[name] = random_tensor(random, kind, shape, norm="norm" in name)
    keys = tiny_gguf_metadata(family, sized, layers) | dict(metadata or {})
    write_gguf(path, {key: value for key, value in keys.items() if value is not None}, tensors)
    return path


class Sizes:
    """Sizes of a tiny model."""

    def __init__(
        self,
        hidden: int = 64,
        heads: int = 4,
        kv_heads: int = 2,
        head_dim: int = 16,
        ffn: int = 96,
        vocab: int = 288,
        context: int = 64,
    ) -> None:
        self.hidden, self.heads, self.kv_heads, self.head_dim = hidden, heads, kv_heads, head_dim
        self.ffn, self.vocab, self.context = ffn, vocab, context


# ── tensors ─────────────────────────────────────────────────────────────────────────────────


def tiny_gguf_shapes(
    family: str, sizes: Sizes, layers: int, tied: bool
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor by its name in the file."""
    norm = _norm(family)
    shapes: dict[str, tuple[int, ...]] = {"token_embd.weight": (sizes.vocab, sizes.hidden)}
    if not tied:
        shapes["output.weight"] = (sizes.vocab, sizes.hidden)
    shapes |= {f"output_norm.{part}": (sizes.hidden,) for part in norm}
    for layer in range(layers):
        inside = _layer_shapes(family, sizes)
        shapes |= {f"blk.{layer}.{name}": shape for name, shape in inside.items()}
    return shapes


def _norm(family: str) -> tuple[str, ...]:
    return ("weight", "bias") if family == "starcoder2" else ("weight",)


def _layer_shapes(family: str, sizes: Sizes) -> dict[str, tuple[int, ...]]:
    hidden, ffn = sizes.hidden, sizes.ffn
    queries, keys = sizes.heads * sizes.head_dim, sizes.kv_heads * sizes.head_dim
    matrices = {
        "attn_q": (queries, hidden),
        "attn_k": (keys, hidden),
        "attn_v": (keys, hidden),
        "attn_output": (hidden, queries),
        "ffn_gate": (ffn, hidden),
        "ffn_up": (ffn, hidden),
        "ffn_down": (hidden, ffn),
    }
    norms = ["attn_norm", "ffn_norm"]
    biases = []
    if family == "starcoder2":
        del matrices["ffn_gate"]
        biases = list(matrices)
    if family == "qwen2":
        biases = ["attn_q", "attn_k", "attn_v"]
    if family in ("gemma2", "gemma3"):
        norms += ["post_attention_norm", "post_ffw_norm"]
    shapes: dict[str, tuple[int, ...]] = {f"{name}.weight": matrices[name] for name in matrices}
    shapes |= {f"{name}.bias": matrices[name][:1] for name in biases}
    shapes |= {f"{name}.{part}": (hidden,) for name in norms for part in _norm(family)}
    if family in ("qwen3", "gemma3"):
        shapes |= {f"attn_{of}_norm.weight": (sizes.head_dim,) for of in "qk"}
    return shapes


def random_tensor(
    random: np.random.Generator, kind: str, shape: tuple[int, ...], *, norm: bool = False
) -> Packed:
    """Return random numbers in a type, of a size that lets every layer show in the logits."""
    scale = 1.5 / np.sqrt(shape[-1]) if len(shape) == 2 else 0.1
    if kind in ("F32", "F16", "BF16"):
        values = random.standard_normal(shape) * scale + float(norm)
        return Packed(shape, CODES[kind], pack_floats(values, kind))
    packs = random_packs(random, packed_formats()[kind], shape, 2 * scale)
    return Packed(shape, CODES[kind], packs.tobytes())


def pack_floats(values: NDArray[np.floating], kind: str) -> bytes:
    """Return numbers as F32, F16 or BF16, the last by leaving bits out."""
    if kind == "BF16":
        return (values.astype("<f4").view("<u4") >> np.uint32(16)).astype("<u2").tobytes()
    return values.astype("<f4" if kind == "F32" else "<f2").tobytes()


# ── metadata ────────────────────────────────────────────────────────────────────────────────


def tiny_gguf_metadata(family: str, sizes: Sizes, layers: int) -> dict[str, object]:
    """Return the metadata of a model, its vocabulary included."""
    eps = "layer_norm_epsilon" if family == "starcoder2" else "layer_norm_rms_epsilon"
    plain: dict[str, object] = {
        "block_count": layers,
        "context_length": sizes.context,
        "embedding_length": sizes.hidden,
        "feed_forward_length": sizes.ffn,
        "attention.head_count": sizes.heads,
        "attention.head_count_kv": sizes.kv_heads,
        "attention.key_length": sizes.head_dim,
        "attention.value_length": sizes.head_dim,
        "rope.freq_base": 10000.0,
        f"attention.{eps}": 1e-6 if family.startswith(("gemma", "qwen")) else 1e-5,
    }
    return {
        "general.architecture": family,
        **{f"{family}.{key}": value for key, value in (plain | _particular(family)).items()},
        **_vocabulary(),
    }


def _particular(family: str) -> dict[str, object]:
    if family == "gemma2":
        return {
            "attention.sliding_window": 16,
            "attn_logit_softcapping": 50.0,
            "final_logit_softcapping": 30.0,
        }
    if family == "gemma3":
        return {
            "attention.sliding_window": 16,
            "attention.sliding_window_pattern": 2,
            "rope.freq_base": 1e6,
        }
    if family == "granite":
        return {
            "logit_scale": 8.0,
            "residual_scale": 0.22,
            "embedding_scale": 12.0,
            "attention.scale": 0.0625,
        }
    return {}


def _vocabulary() -> dict[str, object]:
    vocabulary = byte_tokenizer()["model"]["vocab"]
    pieces = sorted(vocabulary, key=vocabulary.__getitem__)
    kinds = [_CONTROL] * FIRST_BYTE_TOKEN + [_NORMAL] * (len(pieces) - FIRST_BYTE_TOKEN)
    return {
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": Array("str", pieces),
        "tokenizer.ggml.token_type": Array("i32", kinds),
        "tokenizer.ggml.merges": Array("str", []),
        "tokenizer.ggml.eos_token_id": SPECIAL_TOKENS.index("<|endoftext|>"),
    }
