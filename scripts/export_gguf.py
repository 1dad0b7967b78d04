"""Writes a model folder of the Llama family as a GGUF file, so that llama.cpp runs it.

    .venv/bin/python scripts/export_gguf.py [FOLDER] OUT.gguf        FOLDER: weights/spark-nano

Matrices in int8 blocks of 32 become Q8_0, bit for bit; vectors become F32.  Token ids are the same.
Text may be cut elsewhere: llama.cpp knows no pre-tokenizer of that kind, so the file names `gpt-2`;
feed ids (`spark-tui tokenize`) where it matters.  scripts/parity_llama.py compares the two.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from engine.model.load import Model, load_model
from engine.model.tensors.q8 import QUANTISATION_GROUP, quantise
from tests.gguf_writer import Array, Packed, write_gguf

NANO = Path(__file__).resolve().parents[1] / "weights" / "spark-nano"
F32, Q8_0 = 0, 8
"""Codes of tensor types."""
NORMAL, CONTROL = 1, 3
"""Kinds of tokens."""
NAMES = {
    "model.embed_tokens.weight": "token_embd.weight",
    "model.norm.weight": "output_norm.weight",
    "lm_head.weight": "output.weight",
}
LAYER_NAMES = {
    "input_layernorm": "attn_norm",
    "self_attn.q_proj": "attn_q",
    "self_attn.k_proj": "attn_k",
    "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output",
    "post_attention_layernorm": "ffn_norm",
    "mlp.gate_proj": "ffn_gate",
    "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
}


def gguf_name(name: str) -> str:
    """Return what a tensor of Hugging Face's name is called in GGUF."""
    if name in NAMES:
        return NAMES[name]
    _, _, layer, *part, kind = name.split(".")
    return f"blk.{layer}.{LAYER_NAMES['.'.join(part)]}.{kind}"


def neighbouring_pairs(rows: int, heads: int) -> NDArray[np.intp]:
    """Return the order of rows in which pairs (i, i + D/2) of every head become neighbours.

    llama.cpp's rotary embedding of this family turns neighbours; Hugging Face's turns halves.
    """
    return np.arange(rows).reshape(heads, 2, -1).transpose(0, 2, 1).reshape(-1)


def packed(model: Model, name: str) -> Packed:
    """Return a tensor as its file's bytes."""
    tensor, config = model.tensors[name], model.config
    if len(tensor.shape) == 1:
        return Packed(tensor.shape, F32, tensor.dequantise().astype("<f4").tobytes())
    matrix = quantise(tensor) if not tensor.format.is_quantised else tensor
    blocks = matrix.blocks()  # type: ignore[attr-defined]
    order = np.arange(tensor.shape[0])
    for part, heads in (
        ("q_proj", config.num_attention_heads), ("k_proj", config.num_key_value_heads)
    ):  # fmt: skip
        if part in name:
            order = neighbouring_pairs(len(order), heads)
    return Packed(tensor.shape, Q8_0, q8_0(blocks.levels[order], blocks.scales[order]))


def q8_0(levels: NDArray[np.int8], scales: NDArray[np.float32]) -> bytes:
    """Return blocks of an fp16 scale and 32 levels; the scales are fp16 numbers already."""
    row = np.dtype([("scale", "<f2"), ("levels", "i1", QUANTISATION_GROUP)])
    blocks = np.empty(scales.shape, row)
    blocks["scale"] = scales
    blocks["levels"] = levels.reshape(*scales.shape, QUANTISATION_GROUP)
    return blocks.tobytes()


def metadata(model: Model, tokenizer: dict[str, Any]) -> dict[str, object]:
    """Return the file's keys."""
    config = model.config
    pieces, kinds = zip(*tokens(tokenizer, config.vocab_size), strict=True)
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    keys: dict[str, object] = {
        "general.architecture": "llama",
        "general.name": model.name,
        "general.file_type": 7,
        "llama.context_length": config.max_position_embeddings,
        "llama.embedding_length": config.hidden_size,
        "llama.block_count": config.num_hidden_layers,
        "llama.feed_forward_length": config.intermediate_size,
        "llama.attention.head_count": config.num_attention_heads,
        "llama.attention.head_count_kv": config.num_key_value_heads,
        "llama.attention.key_length": config.head_dim,
        "llama.attention.value_length": config.head_dim,
        "llama.attention.layer_norm_rms_epsilon": float(config.rms_norm_eps),
        "llama.rope.dimension_count": config.head_dim,
        "llama.rope.freq_base": float(config.rope.base),
        "llama.vocab_size": config.vocab_size,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "gpt-2",
        "tokenizer.ggml.tokens": Array("str", pieces),
        "tokenizer.ggml.token_type": Array("i32", kinds),
        "tokenizer.ggml.merges": Array("str", [" ".join(m) for m in tokenizer["model"]["merges"]]),
        "tokenizer.ggml.add_bos_token": False,
        "general.quantization_version": 2,
    }
    named = {"eos": "endoftext", "bos": "endoftext", "padding": "fim_pad", "fim_pre": "fim_prefix",
             "fim_suf": "fim_suffix", "fim_mid": "fim_middle", "fim_pad": "fim_pad",
             "fim_rep": "repo_name", "fim_sep": "file_sep"}  # fmt: skip
    for key, text in named.items():
        if f"<|{text}|>" in ids:
            keys[f"tokenizer.ggml.{key}_token_id"] = ids[f"<|{text}|>"]
    return keys


def tokens(tokenizer: dict[str, Any], count: int) -> Iterator[tuple[str, int]]:
    """Yield every token's piece and kind, by id."""
    pieces = {number: (piece, NORMAL) for piece, number in tokenizer["model"]["vocab"].items()}
    pieces |= {token["id"]: (token["content"], CONTROL) for token in tokenizer["added_tokens"]}
    for number in range(count):
        yield pieces.get(number, (f"<unused{number}>", CONTROL))


def write(source: Path, target: Path) -> None:
    """Write a folder's model."""
    model = load_model(source)
    tokenizer = json.loads((source / "tokenizer.json").read_text(encoding="utf-8"))
    tensors = {gguf_name(name): packed(model, name) for name in model.tensors}
    write_gguf(target, metadata(model, tokenizer), tensors)
    print(f"{target}: {target.stat().st_size:,} bytes, {len(tensors)} tensors", file=sys.stderr)


if __name__ == "__main__":
    write(*map(Path, sys.argv[1:] if len(sys.argv) > 2 else [NANO, *sys.argv[1:]]))
