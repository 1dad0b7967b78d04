"""KV caches for tests: full of NaN, with the code of a path; and read as they lie."""

import numpy as np

from engine.wafer.fast import warm_up
from engine.wafer.fast.kernels import attend
from engine.wafer.fast.kernels.attention_code import CHUNK
from engine.wafer.fast.kernels.dot.path_table import best_path
from engine.wafer.fast.kernels.operands import KvCache

NAN = np.uint16(0x7E00)


def empty_cache(heads, context, layers=1, path=None):
    """A cache for some layers of a `Heads`, all NaN."""
    count = layers * heads.keys
    cache = KvCache(
        np.full(count * attend.key_numbers(context, heads.dims), NAN),
        np.full(count * attend.value_numbers(context, heads.dims), NAN),
        attend.padded(context),
        np.zeros(1, np.int64),
    )
    warm_up.link_attention(path or best_path(), cache)
    return cache


def scratch_for(heads, context, threads=1):
    """Scratch of NaN for so many threads, aligned as the executor's is."""
    size = threads * attend.scratch_numbers(context, heads.dims)
    room = np.full(size + 16, np.float32(np.nan))
    start = -room.ctypes.data // 4 % 16
    return room[start : start + size]


def keys_of(cache, heads):
    """The keys (layers · KV heads, T, D), their dimensions as they are added."""
    blocks = cache.keys.view(np.float16).reshape(-1, cache.context // 16, heads.dims, 16)
    return blocks.swapaxes(2, 3).reshape(-1, cache.context, heads.dims)


def values_of(cache, heads):
    """The values (layers · KV heads, T, D)."""
    padded = -(-heads.dims // CHUNK) * CHUNK
    return cache.values.view(np.float16).reshape(-1, cache.context, padded)[:, :, : heads.dims]
