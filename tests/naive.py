"""Loop versions of what the engine computes with arrays: one number at a time, one order of sums.

Written from the contract on numbers, for comparison only.  Values are Python lists of np.float32
(every operation of two of them rounds once), integers are Python's.  Shares nothing with the
engine but the scalar functions and the types of its data.
"""

import math

import numpy as np

from engine import scalars
from engine.model.load import Model
from engine.model.sum_orders import ReduceOrder, SumOrders
from engine.model.tensors.tensor import Blocks, QuantisedTensor

F32 = np.float32
ZERO = F32(0.0)


def share(part: int, parts: int, length: int) -> range:
    """The indices 0 … length − 1 that belong to a part."""
    return range(part * length // parts, (part + 1) * length // parts)


def chain(values):
    """Sum from the last value to the first."""
    total = values[-1]
    for value in reversed(values[:-1]):
        total = value + total
    return total


def reduce_parts(values, order: ReduceOrder):
    """Sum groups of ``order.group`` values as chains, then the groups' results as a chain."""
    groups = [values[i : i + order.group] for i in range(0, len(values), order.group)]
    return chain([chain(group) for group in groups])


def quantise_group(values):
    """(levels, scale) of one group of activations."""
    scale = max(abs(value) for value in values) / F32(127)
    if scale == 0:
        return [0] * len(values), scale
    levels = [round(float(value / scale)) for value in values]  # Python rounds half to even
    return [max(-127, min(127, level)) for level in levels], scale


def multiply(x, weight: QuantisedTensor, order: ReduceOrder):
    """x (K) times the transposed weight (N, K)."""
    groups = [quantise_group(x[i : i + 32]) for i in range(0, len(x), 32)]
    blocks = weight.blocks()
    out = []
    for n in range(len(blocks.levels)):
        partials = []
        for part in range(order.parts):
            partial = ZERO
            for g in share(part, order.parts, len(groups)):
                for term in terms(blocks, n, g, *groups[g]):
                    partial = partial + term
            partials.append(partial)
        out.append(reduce_parts(partials, order))
    return out


def terms(blocks: Blocks, n: int, g: int, levels, scale):
    """The term of output n and group g, or two of them where a scale belongs to 16 inputs."""
    size = blocks.levels.shape[1] // blocks.scales.shape[1]
    for first in range(0, 32, size):
        at = 32 * g + first
        row, mine = blocks.levels[n, at : at + size].tolist(), levels[first : first + size]
        dot = sum(a * b for a, b in zip(mine, row, strict=True))
        term = F32(dot) * (blocks.scales[n, at // size] * scale)
        if blocks.minima is not None:
            term = term - F32(sum(mine)) * (blocks.minima[n, at // size] * scale)
        yield term


def rms_norm(x, weight, eps: float, order: ReduceOrder):
    """x × rsqrt(mean square + eps) × weight."""
    partials = []
    for part in range(order.parts):
        partial = ZERO
        for k in share(part, order.parts, len(x)):
            partial = partial + x[k] * x[k]
        partials.append(partial)
    r = scalars.rsqrt32(reduce_parts(partials, order) / F32(len(x)) + F32(eps))
    return [(value * r) * w for value, w in zip(x, weight, strict=True)]


def layer_norm(x, weight, eps: float, order: ReduceOrder):
    """`rms_norm` of x less its mean."""
    partials = []
    for part in range(order.parts):
        partial = ZERO
        for k in share(part, order.parts, len(x)):
            partial = partial + x[k]
        partials.append(partial)
    mean = reduce_parts(partials, order) / F32(len(x))
    return rms_norm([value - mean for value in x], weight, eps, order)


def head_norm(x, weight, eps: float, parts: int):
    """`rms_norm` of one head, its squares added pair by pair."""
    pairs = [d for i in range(len(x) // 2) for d in (i, len(x) // 2 + i)]
    normed = rms_norm(
        [x[d] for d in pairs], [weight[d] for d in pairs], eps, ReduceOrder.chain(parts)
    )
    return [normed[pairs.index(d)] for d in range(len(x))]


def gelu(x):
    """0.5·x·(1 + tanh(√(2/π)·(x + 0.044715·x³))), as x / (1 + e**−2z)."""
    exponent = x * (F32(-1.5957691216057308) + F32(-0.0713548162715998) * (x * x))
    return x / (F32(1) + scalars.exp32(exponent))


def softcap(x, cap):
    """cap·tanh(x / cap), as cap − 2·cap / (1 + e**(2x/cap))."""
    return cap - (cap + cap) / (F32(1) + scalars.exp32(x * (F32(2) / cap)))


def silu_gate(gate, up):
    """silu(gate) × up."""
    return [(g / (F32(1) + scalars.exp32(-g))) * u for g, u in zip(gate, up, strict=True)]


def rotate(x, position: int, base: float, width: int):
    """Turn the pairs (i, i + width / 2) of every head of x."""
    cosine, sine = scalars.rotary_tables(base, width, position + 1)
    out = list(x)
    half = width // 2
    for head in range(0, len(x), width):
        for i in range(half):
            a, b = x[head + i], x[head + half + i]
            c, s = cosine[position, i], sine[position, i]
            out[head + i] = a * c - b * s
            out[head + half + i] = b * c + a * s
    return out


def attend_head(q, keys, values, scale: float, orders: SumOrders, window=0, cap=ZERO):
    """The attended values of one head and one query q (D) over all of keys, values (J of D).

    With a window over the last of them, with a cap of capped scores.
    """
    width = len(q)
    pairs = [d for i in range(width // 2) for d in (i, width // 2 + i)]
    size = width // orders.head_dim.parts
    scores = []
    for key in keys:
        partials = []
        for first in range(0, width, size):
            partial = ZERO
            for d in pairs[first : first + size]:
                partial = partial + q[d] * key[d]
            partials.append(partial)
        score = reduce_parts(partials, orders.head_dim) * F32(scale)
        scores.append(softcap(score, cap) if cap else score)
    first = max(0, len(scores) - window) if window else 0
    largest = max(scores[first:])
    exponentials = [scalars.exp32(score - largest) for score in scores]
    parts = orders.positions.parts
    sums = [ZERO] * parts
    weighted = [[ZERO] * width for _ in range(parts)]
    for j, e in list(enumerate(exponentials))[first:]:
        sums[j % parts] = sums[j % parts] + e
        for d in range(width):
            weighted[j % parts][d] = weighted[j % parts][d] + e * values[j][d]
    total = reduce_parts(sums, orders.positions)
    return [
        reduce_parts([part[d] for part in weighted], orders.positions) / total for d in range(width)
    ]


def quantised_llama(model: Model, tokens, orders: SumOrders) -> np.ndarray:
    """Logits (T, V) of a Llama in the wafer's arithmetic, token by token."""
    config, tensors = model.config, model.tensors
    width, shared = config.head_dim, config.num_attention_heads // config.num_key_value_heads
    scale = 1.0 / math.sqrt(width)
    cache = [([], []) for _ in range(config.num_hidden_layers)]
    logits = []
    for position, token in enumerate(tokens):
        table = tensors["model.embed_tokens.weight"].blocks(np.array([token]))
        x = [
            F32(value) * table.scales[0, k // 32]
            for k, value in enumerate(table.levels[0].tolist())
        ]
        for layer, (keys, values) in enumerate(cache):
            weight = _layer_tensors(tensors, layer)
            y = rms_norm(x, weight["input_layernorm"].values, config.rms_norm_eps, orders.norm)
            q = multiply(y, weight["self_attn.q_proj"], orders.hidden)
            k = multiply(y, weight["self_attn.k_proj"], orders.hidden)
            v = multiply(y, weight["self_attn.v_proj"], orders.hidden)
            q = rotate(q, position, config.rope.base, width)
            k = rotate(k, position, config.rope.base, width)
            keys.append([F32(np.float16(value)) for value in k])
            values.append([F32(np.float16(value)) for value in v])
            y = []
            for head in range(config.num_attention_heads):
                first = head // shared * width
                y += attend_head(
                    q[head * width : head * width + width],
                    [row[first : first + width] for row in keys],
                    [row[first : first + width] for row in values],
                    scale,
                    orders,
                )
            y = multiply(y, weight["self_attn.o_proj"], orders.heads)
            x = [a + b for a, b in zip(x, y, strict=True)]
            y = rms_norm(
                x, weight["post_attention_layernorm"].values, config.rms_norm_eps, orders.norm
            )
            gate = multiply(y, weight["mlp.gate_proj"], orders.hidden)
            up = multiply(y, weight["mlp.up_proj"], orders.hidden)
            y = multiply(silu_gate(gate, up), weight["mlp.down_proj"], orders.ffn)
            x = [a + b for a, b in zip(x, y, strict=True)]
        y = rms_norm(x, tensors["model.norm.weight"].values, config.rms_norm_eps, orders.norm)
        head = "model.embed_tokens.weight" if config.tie_word_embeddings else "lm_head.weight"
        logits.append(multiply(y, tensors[head], orders.hidden))
    return np.array(logits, np.float32)


def float_llama(config, weights, tokens) -> np.ndarray:
    """Logits (T, V) of a Llama in float64 from its unquantised tensors: the textbook's formulas."""
    weights = {name: tensor.values.astype(np.float64) for name, tensor in weights.items()}
    width, heads = config.head_dim, config.num_attention_heads
    shared = heads // config.num_key_value_heads

    def norm(x, name):
        return x / math.sqrt(sum(x * x) / len(x) + config.rms_norm_eps) * weights[name]

    def turned(x, position):
        out = x.copy()
        for d in range(width // 2):
            angle = position * config.rope.base ** (-2 * d / width)
            pair = complex(x[d], x[d + width // 2]) * complex(math.cos(angle), math.sin(angle))
            out[d], out[d + width // 2] = pair.real, pair.imag
        return out

    cache = [([], []) for _ in range(config.num_hidden_layers)]
    logits = []
    for position, token in enumerate(tokens):
        x = weights["model.embed_tokens.weight"][token]
        for layer, (keys, values) in enumerate(cache):
            weight = _layer_tensors(weights, layer)
            y = norm(x, f"model.layers.{layer}.input_layernorm.weight")
            q = (weight["self_attn.q_proj"] @ y).reshape(heads, width)
            k = (weight["self_attn.k_proj"] @ y).reshape(-1, width)
            v = (weight["self_attn.v_proj"] @ y).reshape(-1, width)
            keys.append([turned(row, position) for row in k])
            values.append(v)
            attended = []
            for head in range(heads):
                query, group = turned(q[head], position), head // shared
                scores = [float(query @ key[group]) / math.sqrt(width) for key in keys]
                e = [math.exp(score - max(scores)) for score in scores]
                attended.append(
                    sum(p * value[group] for p, value in zip(e, values, strict=True)) / sum(e)
                )
            x = x + weight["self_attn.o_proj"] @ np.concatenate(attended)
            y = norm(x, f"model.layers.{layer}.post_attention_layernorm.weight")
            gate = weight["mlp.gate_proj"] @ y
            gated = [g / (1 + math.exp(-g)) for g in gate] * (weight["mlp.up_proj"] @ y)
            x = x + weight["mlp.down_proj"] @ gated
        y = norm(x, "model.norm.weight")
        head = "model.embed_tokens.weight" if config.tie_word_embeddings else "lm_head.weight"
        logits.append(weights[head] @ y)
    return np.array(logits)


def _layer_tensors(tensors, layer: int):
    prefix = f"model.layers.{layer}."
    return {
        name.removeprefix(prefix).removesuffix(".weight"): tensor
        for name, tensor in tensors.items()
        if name.startswith(prefix)
    }
