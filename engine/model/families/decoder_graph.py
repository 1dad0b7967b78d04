"""The graph of a decoder: a Llama's, with what a family has besides, told as `Additions`.

A family that is more than that describes its own graph with a `GraphBuilder`.  Tensor names follow
Hugging Face's.
"""

import math
from dataclasses import dataclass, field

from engine.model.families.builder import GraphBuilder
from engine.model.families.decoder import EMBEDDING, HEAD, DecoderConfig
from engine.model.families.rope import Rope
from engine.model.graph import ModelGraph
from engine.model.roles import Role

__all__ = ["Additions", "decoder_graph"]


@dataclass(frozen=True, slots=True)
class Additions:
    """What a decoder has that a Llama has not; of a factor, None means that there is none."""

    biases: frozenset[str] = field(default_factory=frozenset)
    """Products with a bias besides those the configuration asks for."""
    head_norms: bool = False
    """Queries and keys are normed head by head before their rotation."""
    post_norms: bool = False
    """What attention and feed-forward add to the residual stream is normed before."""
    layer_norms: bool = False
    """Norms take the mean away first, and have a bias."""
    gated: bool = True
    """False: the feed-forward is up (``c_fc``), activation and down (``c_proj``)."""
    embedding_scale: float | None = None
    """Factor of the embedding's rows."""
    residual_scale: float | None = None
    """Factor of what attention and feed-forward add to the residual stream."""
    attention_scale: float | None = None
    """Factor of the scores; None: 1/√head_dim."""
    attention_softcap: float | None = None
    """Bound of the scores."""
    sliding_rope: Rope | None = None
    """Rotation of the sliding layers; None: that of all layers."""
    logits_scale: float | None = None
    """Factor of the logits."""
    logits_softcap: float | None = None
    """Bound of the logits."""


_NOTHING = Additions()


def decoder_graph(config: DecoderConfig, name: str, additions: Additions = _NOTHING) -> ModelGraph:
    """Return the graph of a decoder with a tied or a separate head.

    Args:
        config: Its sizes and constants.
        name: The model's name.
        additions: What it has that a Llama has not.
    """
    return _Decoder(config, additions).graph(name)


class _Decoder:
    """Describes a decoder, half a layer at a time."""

    def __init__(self, config: DecoderConfig, additions: Additions) -> None:
        self.config, self.additions = config, additions
        self.biases = config.biases | additions.biases
        self.builder = GraphBuilder()

    def graph(self, name: str) -> ModelGraph:
        config, builder = self.config, self.builder
        residual = builder.embed(
            EMBEDDING, config.vocab_size, config.hidden_size, scale=self.additions.embedding_scale
        )
        for layer in range(config.num_hidden_layers):
            builder.layer = layer
            residual = self._ffn(self._attention(residual, layer))
        builder.layer = None
        builder.head(
            self._norm("final_norm", Role.FINAL_NORM, residual, "model.norm"),
            config.vocab_size,
            EMBEDDING if config.tie_word_embeddings else HEAD,
            scale=self.additions.logits_scale,
            softcap=self.additions.logits_softcap,
        )
        return builder.graph(
            name, layers=config.num_hidden_layers, context_length=config.max_position_embeddings
        )

    # ── halves of a layer; each returns the name of its residual stream ─────────────────────

    def _attention(self, residual: str, layer: int) -> str:
        config, additions, name = self.config, self.additions, self._layer
        heads, kv_heads, dims = (
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
        )
        norm = f"{self._tensor}.input_layernorm"
        normed = self._norm(f"{name}.attention_norm", Role.ATTENTION_NORM, residual, norm)
        q = self._product("q", Role.QKV, normed, heads * dims)
        k = self._product("k", Role.QKV, normed, kv_heads * dims)
        v = self._product("v", Role.QKV, normed, kv_heads * dims)
        if additions.head_norms:
            q, k = self._head_norm("q", q, heads), self._head_norm("k", k, kv_heads)
        rope = self._rope(layer)
        attended = self.builder.attention(
            f"{name}.attention",
            (self._rotary("q", q, heads, rope), self._rotary("k", k, kv_heads, rope), v),
            heads=heads,
            scale=additions.attention_scale or 1.0 / math.sqrt(dims),
            window=config.window(layer),
            softcap=additions.attention_softcap or 0.0,
        )
        o = self._product("o", Role.OUT, attended, config.hidden_size)
        if additions.post_norms:
            norm = f"{self._tensor}.post_attention_layernorm"
            o = self._norm(f"{name}.attention_post_norm", Role.ATTENTION_POST_NORM, o, norm)
        return self._added(Role.ATTENTION_RESIDUAL, residual, o)

    def _ffn(self, residual: str) -> str:
        config, additions, name = self.config, self.additions, self._layer
        norm = "pre_feedforward_layernorm" if additions.post_norms else "post_attention_layernorm"
        normed = self._norm(f"{name}.ffn_norm", Role.FFN_NORM, residual, f"{self._tensor}.{norm}")
        products = [
            self._product(of, Role.GATE_UP, normed, config.intermediate_size)
            for of in (("gate", "up") if additions.gated else ("up",))
        ]
        gated = self.builder.activation(f"{name}.activation", *products, kind=config.activation)
        down = self._product("down", Role.DOWN, gated, config.hidden_size)
        if additions.post_norms:
            norm = f"{self._tensor}.post_feedforward_layernorm"
            down = self._norm(f"{name}.ffn_post_norm", Role.FFN_POST_NORM, down, norm)
        return self._added(Role.FFN_RESIDUAL, residual, down)

    # ── nodes ───────────────────────────────────────────────────────────────────────────────

    @property
    def _layer(self) -> str:
        return f"layer {self.builder.layer}"

    @property
    def _tensor(self) -> str:
        return f"model.layers.{self.builder.layer}"

    def _norm(self, name: str, role: Role, value: str, tensor: str) -> str:
        weight, eps = f"{tensor}.weight", self.config.rms_norm_eps
        if not self.additions.layer_norms:
            return self.builder.norm(name, role, value, weight, eps=eps)
        return self.builder.layer_norm(name, role, value, weight, bias=f"{tensor}.bias", eps=eps)

    def _head_norm(self, of: str, value: str, heads: int) -> str:
        tensor = f"{self._tensor}.self_attn.{of}_norm.weight"
        return self.builder.head_norm(
            f"{self._layer}.{of}_norm", value, tensor, heads=heads, eps=self.config.rms_norm_eps
        )

    def _rope(self, layer: int) -> Rope:
        config, sliding_rope = self.config, self.additions.sliding_rope
        slides = bool(config.sliding) and config.sliding[layer]
        return sliding_rope if sliding_rope and slides else config.rope

    def _rotary(self, of: str, value: str, heads: int, rope: Rope) -> str:
        return self.builder.rotary(
            f"{self._layer}.{of}_rotary", value, heads=heads, base=rope.base, factors=rope.factors
        )

    def _added(self, role: Role, residual: str, value: str) -> str:
        return self.builder.add(
            f"{self._layer}.{role.label}",
            role,
            residual,
            value,
            scale=self.additions.residual_scale,
        )

    def _product(self, of: str, role: Role, value: str, width: int) -> str:
        """Add a product of the current layer, with its bias if it has one."""
        tensor = f"{self._tensor}.{_TENSORS[self.additions.gated].get(of, f'self_attn.{of}_proj')}"
        bias = f"{tensor}.bias" if of in self.biases else None
        return self.builder.matmul(
            f"{self._layer}.{of}", role, value, width, f"{tensor}.weight", bias=bias
        )


_TENSORS = {
    True: {"gate": "mlp.gate_proj", "up": "mlp.up_proj", "down": "mlp.down_proj"},
    False: {"up": "mlp.c_fc", "down": "mlp.c_proj"},
}
"""Names of a feed-forward's tensors, gated or not."""
