"""A tiny Llama with random weights, written as a real model folder: quick to load and to run.

Used by every test that needs a model but no meaning: `tiny_model` for a loaded one,
`write_tiny_model` for a folder to spoil.
"""

import hashlib
import json
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file

from engine.model.graph import Attribute, ModelGraph
from engine.model.load import Model, load_model
from tests.packs import repacked

SPECIAL_TOKENS = (
    "<|endoftext|>",
    "<|fim_prefix|>",
    "<|fim_middle|>",
    "<|fim_suffix|>",
    "<|fim_pad|>",
    "<|repo_name|>",
    "<|file_sep|>",
)
"""Ids 0 to 6, the ids of the bundled model."""

FIRST_BYTE_TOKEN = len(SPECIAL_TOKENS)
"""Byte b has the id ``FIRST_BYTE_TOKEN + b``."""


def tiny_model(seed: int = 0, formats: Mapping[str, str] | None = None, **overrides: Any) -> Model:
    """Return a loaded tiny model; the folder it came from is gone.

    Args:
        seed: Another seed, other weights.
        formats: As `tests.packs.repacked` takes them: ``{"v_proj": "q6_k", "": "q4_k"}``.
        **overrides: As the writer takes them.
    """
    with tempfile.TemporaryDirectory() as folder:
        write_tiny_model(Path(folder) / "tiny", seed=seed, **overrides)
        model = load_model(Path(folder) / "tiny")
    return model if formats is None else repacked(model, formats, seed)


def with_attributes(
    graph: ModelGraph, op: str, layer: int | None = None, **attributes: Attribute
) -> ModelGraph:
    """Return the graph with other attributes in an operation's nodes, of one layer or of all."""
    nodes = tuple(
        replace(node, attributes={**node.attributes, **attributes})
        if node.op == op and layer in (None, node.layer)
        else node
        for node in graph.nodes
    )
    return replace(graph, nodes=nodes)


def write_tiny_model(
    folder: Path,
    *,
    hidden: int = 64,
    layers: int = 2,
    heads: int = 4,
    kv_heads: int = 2,
    head_dim: int = 16,
    ffn: int = 96,
    vocab: int = 288,
    context: int = 64,
    tied: bool = True,
    seed: int = 0,
    config: dict[str, Any] | None = None,
) -> Path:
    """Write config.json, model.safetensors (F16), tokenizer.json and checksums.json.

    Ids from ``FIRST_BYTE_TOKEN + 256`` up to ``vocab`` belong to no text.  ``config`` adds or
    replaces fields of config.json after the tensors were made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fields = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_size": hidden,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": head_dim,
        "intermediate_size": ffn,
        "vocab_size": vocab,
        "max_position_embeddings": context,
        "rms_norm_eps": 1e-5,
        "rope_theta": 10000.0,
        "rope_scaling": None,
        "tie_word_embeddings": tied,
        "hidden_act": "silu",
        "bos_token_id": 0,
        "eos_token_id": 0,
        "pad_token_id": 4,
        **(config or {}),
    }
    shapes = tiny_shapes(hidden, layers, heads * head_dim, kv_heads * head_dim, ffn, vocab, tied)
    save_file(tiny_tensors(shapes, seed), folder / "model.safetensors")
    (folder / "config.json").write_text(json.dumps(fields, indent=2))
    (folder / "tokenizer.json").write_text(json.dumps(byte_tokenizer()))
    write_checksums(folder)
    return folder


def write_checksums(folder: Path) -> None:
    """Write checksums.json for the three files of a model folder as they are now."""
    names = ("config.json", "model.safetensors", "tokenizer.json")
    sums = {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names}
    (folder / "checksums.json").write_text(json.dumps({"files": sums}, indent=2))


def tiny_shapes(
    hidden: int, layers: int, queries: int, keys: int, ffn: int, vocab: int, tied: bool
) -> dict[str, tuple[int, ...]]:
    """Return the shape of every tensor of a Llama by its Hugging Face name."""
    shapes: dict[str, tuple[int, ...]] = {"model.embed_tokens.weight": (vocab, hidden)}
    for layer in range(layers):
        shapes |= {
            f"model.layers.{layer}.{name}.weight": shape
            for name, shape in {
                "input_layernorm": (hidden,),
                "self_attn.q_proj": (queries, hidden),
                "self_attn.k_proj": (keys, hidden),
                "self_attn.v_proj": (keys, hidden),
                "self_attn.o_proj": (hidden, queries),
                "post_attention_layernorm": (hidden,),
                "mlp.gate_proj": (ffn, hidden),
                "mlp.up_proj": (ffn, hidden),
                "mlp.down_proj": (hidden, ffn),
            }.items()
        }
    shapes["model.norm.weight"] = (hidden,)
    return shapes if tied else shapes | {"lm_head.weight": (vocab, hidden)}


def tiny_tensors(
    shapes: dict[str, tuple[int, ...]], seed: int = 0
) -> dict[str, NDArray[np.float16]]:
    """Return random weights that let every layer, head and position show in the logits."""
    random = np.random.default_rng(seed)
    tensors = {}
    for name, shape in shapes.items():
        values = random.standard_normal(shape)
        if len(shape) == 1:
            values = 1.0 + 0.1 * values
        elif "embed" in name:
            values *= 0.5
        else:
            values *= 1.5 / np.sqrt(shape[1])
        tensors[name] = values.astype(np.float16)
    return tensors


def byte_tokenizer() -> dict[str, Any]:
    """Return a tokenizer.json: byte-level BPE without merges, one token for every byte."""
    vocabulary = {text: number for number, text in enumerate(SPECIAL_TOKENS)}
    for byte, text in enumerate(_byte_characters()):
        vocabulary[text] = FIRST_BYTE_TOKEN + byte
    byte_level = {
        "type": "ByteLevel",
        "add_prefix_space": False,
        "trim_offsets": True,
        "use_regex": False,
    }
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [
            {
                "id": number,
                "content": text,
                "single_word": False,
                "lstrip": False,
                "rstrip": False,
                "normalized": False,
                "special": True,
            }
            for number, text in enumerate(SPECIAL_TOKENS)
        ],
        "normalizer": None,
        "pre_tokenizer": byte_level,
        "post_processor": None,
        "decoder": byte_level,
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": None,
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": False,
            "byte_fallback": False,
            "ignore_merges": False,
            "vocab": vocabulary,
            "merges": [],
        },
    }


def _byte_characters() -> list[str]:
    """Return the printable character that byte-level BPE writes for each byte (GPT-2's table)."""
    printable = {*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)}
    others = [byte for byte in range(256) if byte not in printable]
    return [
        chr(byte) if byte in printable else chr(256 + others.index(byte)) for byte in range(256)
    ]
