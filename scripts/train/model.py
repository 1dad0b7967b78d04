"""A plain Llama in PyTorch, with the weight names of Hugging Face's ``LlamaForCausalLM``.

Knows nothing of text or training.  Sizes: B rows, T tokens, H heads, G key/value heads,
D head width.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from scripts.train.precision import of_products


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """Shape of the model; the field names are those of Hugging Face's config.json."""

    hidden_size: int = 256
    num_hidden_layers: int = 6
    num_attention_heads: int = 4
    num_key_value_heads: int = 2
    head_dim: int = 64
    intermediate_size: int = 768
    vocab_size: int = 8192
    max_position_embeddings: int = 2048
    rms_norm_eps: float = 1e-5
    rope_theta: float = 10000.0

    def __post_init__(self) -> None:
        if self.num_attention_heads % self.num_key_value_heads:
            raise ValueError(
                f"{self.num_attention_heads} heads do not share "
                f"{self.num_key_value_heads} key/value heads evenly"
            )
        if self.head_dim % 2:
            raise ValueError(f"head_dim {self.head_dim} is odd; rotary embeddings need pairs")

    def to_huggingface(self) -> dict[str, object]:
        """Return the contents of config.json."""
        return {
            "architectures": ["LlamaForCausalLM"],
            "model_type": "llama",
            **asdict(self),
            "tie_word_embeddings": True,
            "hidden_act": "silu",
            "attention_bias": False,
            "mlp_bias": False,
            "attention_dropout": 0.0,
            "rope_scaling": None,
            "initializer_range": 0.02,
            "pretraining_tp": 1,
            "bos_token_id": 0,
            "eos_token_id": 0,
            "pad_token_id": 4,
            "use_cache": True,
            "torch_dtype": "float16",
        }


class RMSNorm(nn.Module):
    """Scale each vector to unit mean square, in float32."""

    def __init__(self, size: int, eps: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(size))
        self.eps = eps

    def forward(self, x: Tensor) -> Tensor:
        """Normalise the last axis."""
        return F.rms_norm(x, (x.shape[-1],), self.weight, self.eps)


def rotary_tables(config: ModelConfig, length: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Return cosines and sines, float32, shape (T, D), halves repeated as Hugging Face does."""
    exponents = torch.arange(0, config.head_dim, 2, device=device, dtype=torch.float32)
    frequencies = config.rope_theta ** (-exponents / config.head_dim)
    angles = torch.outer(torch.arange(length, device=device, dtype=torch.float32), frequencies)
    angles = torch.cat((angles, angles), dim=-1)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply rotary positions to ``x``, shape (B, heads, T, D): pairs are (i, i + D/2)."""
    cos, sin = cos.to(x.dtype), sin.to(x.dtype)
    first, second = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-second, first), dim=-1) * sin


BLOCK = 128
"""Queries treated together on the CPU."""


def causal_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    """Attend from each position to itself and those before; all shapes (B, H, T, D).

    On the CPU a block of queries meets only the keys up to its end, in plain matrix products:
    forward and backward took half the time of PyTorch's fused attention at 512 tokens.
    """
    if q.device.type != "cpu":
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    length, q = q.shape[2], q * q.shape[3] ** -0.5
    blocks = []
    for first in range(0, length, BLOCK):
        last = min(length, first + BLOCK)
        scores = q[:, :, first:last] @ k[:, :, :last].mT  # (B, H, block, last)
        future = torch.full((last - first, last - first), -torch.inf, dtype=scores.dtype).triu(1)
        scores[..., first:] += future
        # Autocast would have this in float32, which costs more than it brings here.
        with torch.autocast("cpu", enabled=False):
            blocks.append(scores.softmax(-1) @ v[:, :, :last])
    return torch.cat(blocks, dim=2)


class Attention(nn.Module):
    """Causal grouped-query attention."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        query = config.num_attention_heads * config.head_dim
        shared = config.num_key_value_heads * config.head_dim
        self.q_proj = nn.Linear(config.hidden_size, query, bias=False)
        self.k_proj = nn.Linear(config.hidden_size, shared, bias=False)
        self.v_proj = nn.Linear(config.hidden_size, shared, bias=False)
        self.o_proj = nn.Linear(query, config.hidden_size, bias=False)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Mix positions; ``x`` has shape (B, T, hidden)."""
        batch, length, _ = x.shape
        config = self.config
        groups = config.num_attention_heads // config.num_key_value_heads

        def heads(y: Tensor, count: int) -> Tensor:
            return y.view(batch, length, count, config.head_dim).transpose(1, 2)

        q = rotate(heads(self.q_proj(x), config.num_attention_heads), cos, sin)
        k = rotate(heads(self.k_proj(x), config.num_key_value_heads), cos, sin)
        v = heads(self.v_proj(x), config.num_key_value_heads)
        k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        y = causal_attention(q, k, v)
        return self.o_proj(y.transpose(1, 2).reshape(batch, length, -1))


class MLP(nn.Module):
    """SwiGLU."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.up_proj = nn.Linear(config.hidden_size, config.intermediate_size, bias=False)
        self.down_proj = nn.Linear(config.intermediate_size, config.hidden_size, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Transform each position on its own."""
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    """Attention and MLP, each after a norm and added to the stream."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.input_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.self_attn = Attention(config)
        self.post_attention_layernorm = RMSNorm(config.hidden_size, config.rms_norm_eps)
        self.mlp = MLP(config)

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Return the stream after this layer."""
        x = x + self.self_attn(self.input_layernorm(x), cos, sin)
        return x + self.mlp(self.post_attention_layernorm(x))


class Body(nn.Module):
    """Everything under the name ``model.``: embedding, layers, final norm."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.embed_tokens = nn.Embedding(config.vocab_size, config.hidden_size)
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.num_hidden_layers))
        self.norm = RMSNorm(config.hidden_size, config.rms_norm_eps)


class Llama(nn.Module):
    """The whole model; the head is the embedding, so no ``lm_head.weight`` exists."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        self.model = Body(config)
        self.apply(self._initialise)

    def _initialise(self, module: nn.Module) -> None:
        if isinstance(module, nn.Linear | nn.Embedding):
            nn.init.normal_(module.weight, std=0.02)
        # Each layer starts as the identity, which lets early steps be large.
        if isinstance(module, Layer):
            nn.init.zeros_(module.self_attn.o_proj.weight)
            nn.init.zeros_(module.mlp.down_proj.weight)

    def hidden(self, tokens: Tensor) -> Tensor:
        """Return the normed stream, shape (B, T, hidden), for ``tokens``, shape (B, T)."""
        cos, sin = rotary_tables(self.config, tokens.shape[1], tokens.device)
        x = self.model.embed_tokens(tokens)
        for layer in self.model.layers:
            x = layer(x, cos, sin)
        return self.model.norm(x)

    def head(self, hidden: Tensor) -> Tensor:
        """Return logits, shape (..., vocabulary)."""
        return F.linear(hidden, self.model.embed_tokens.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return logits, shape (B, T, vocabulary)."""
        return self.head(self.hidden(tokens))

    def loss(self, tokens: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the weighted mean cross entropy in nats a token.

        Args:
            tokens: int64, shape (B, T).
            targets: int64, shape (B, T).
            weights: float32, shape (B, T); 0 leaves a target out.
        """
        hidden = self.hidden(tokens).flatten(0, 1)
        weights = weights.flatten() / weights.sum().clamp_min(1)
        return HeadLoss.apply(hidden, self.model.embed_tokens.weight, targets.flatten(), weights)


TINIEST = float(torch.finfo(torch.float32).tiny)
"""A probability that has become 0 counts as this: 87 nats."""


class HeadLoss(torch.autograd.Function):
    """Cross entropy straight from the stream, a slice of tokens at a time.

    All logits of a batch are hundreds of megabytes, which a processor reads and writes several
    times over; a slice stays in its cache.  The gradient is worked out in the forward pass.
    """

    SLICE = 256

    @staticmethod
    def forward(ctx, hidden: Tensor, head: Tensor, targets: Tensor, weights: Tensor) -> Tensor:
        """Return the sum of weight times cross entropy; the weights must sum to 1."""
        # Cast once: autocast would do it anew for every slice.
        kind = of_products(hidden.device)
        small, narrow = hidden.detach().to(kind), head.detach().to(kind)
        grad_hidden = torch.empty_like(small)
        grad_head = torch.zeros_like(head, dtype=torch.float32)
        total = torch.zeros((), device=hidden.device)
        step = HeadLoss.SLICE if hidden.device.type == "cpu" else len(targets)
        for first in range(0, len(targets), step):
            part = slice(first, first + step)
            probabilities = (small[part] @ narrow.mT).float().softmax(-1)
            chosen = probabilities.gather(1, targets[part, None])
            total -= (chosen.clamp_min(TINIEST).log()[:, 0] * weights[part]).sum()
            probabilities.scatter_add_(1, targets[part, None], torch.full_like(chosen, -1.0))
            grad_logits, weight = probabilities.to(kind), weights[part, None]
            # A token's weight scales a narrow row on either side instead of all its logits.
            grad_hidden[part] = (grad_logits @ narrow) * weight
            grad_head += grad_logits.mT @ (small[part] * weight).to(kind)
        ctx.save_for_backward(grad_hidden, grad_head)
        ctx.dtypes = hidden.dtype, head.dtype
        return total

    @staticmethod
    def backward(ctx, grad: Tensor) -> tuple[Tensor | None, ...]:
        """Scale the gradients worked out before."""
        grad_hidden, grad_head = ctx.saved_tensors
        hidden_type, head_type = ctx.dtypes
        return (grad_hidden * grad).to(hidden_type), (grad_head * grad).to(head_type), None, None
