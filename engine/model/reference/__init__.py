"""The transformer in plain NumPy, slow and obvious: what every other way to compute is held to.

Two of them walk the same ModelGraph node by node: `Fp32Reference` in float32 throughout,
`QuantisedReference` with exactly the arithmetic and the orders of summation that the wafer keeps.
They share no function with the wafer but those of `engine.scalars`.
"""

from engine.model.reference.fp32 import Fp32Reference
from engine.model.reference.quantised import QuantisedReference

__all__ = ["Fp32Reference", "QuantisedReference"]
