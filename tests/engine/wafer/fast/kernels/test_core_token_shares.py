"""What the host needs of logits, compiled: the bits of NumPy's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.probabilities import LANES, probabilities
from engine.wafer.fast.kernels import token_shares

quick = settings(max_examples=40, deadline=None, derandomize=True)


@quick
@given(st.integers(1, 5 * LANES), st.integers(0, 2**32 - 1), st.floats(0.0, 0.99))
def test_probabilities_have_the_bits_of_the_reference(size, seed, hidden):
    random = np.random.default_rng(seed)
    logits = random.normal(0, 20, size).astype(np.float32)
    logits[1:][random.random(size - 1) < hidden] = -np.inf
    shares = np.full(size, np.nan)
    token_shares.probabilities(logits, logits.max(), np.full(LANES, np.nan), shares)
    assert shares.tobytes() == probabilities(logits).tobytes()
