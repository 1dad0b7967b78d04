"""Weights and rows of tokens for gradients of the tiny families, that follow from names alone.

`scripts/parity_torch.py` computes the golden gradients from them with PyTorch.
"""

import numpy as np

from engine.training.backpropagation import TokenBatch
from tests.tiny_families import PROMPT, family_tensors, seeded


def family_weights(graph, dtype):
    """Weights of a tiny model by name."""
    tensors = family_tensors(dict(graph.weights))
    return {name: weight.astype(dtype) for name, weight in tensors.items()}


def family_batch(graph):
    """Two rows of 39 tokens, more than any window; a target in five counts thrice, one not."""
    rows = np.array([PROMPT, PROMPT[::-1]], np.int64) % graph.vocabulary
    counts = np.where(np.arange(39) % 5 == 0, 3.0, np.where(np.arange(39) % 5 == 1, 0.0, 1.0))
    return TokenBatch(rows[:, :-1], rows[:, 1:], np.stack([counts, counts[::-1]]))


def probe(name, shape):
    """A direction in which a gradient is kept as one number."""
    return seeded(f"probe {name}", shape).astype(np.float64)
