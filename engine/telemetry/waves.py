"""Bands of cores as the message that carries them to who plays them."""

import numpy as np
from numpy.typing import NDArray

from engine.protocol.xray import TokenWave, WaveBands
from engine.wafer.program.isa import Field, Op
from engine.wafer.program.program import Program
from engine.wafer.xray.wave import BAND_FIELDS

__all__ = ["wave_message"]


def wave_message(
    source: str, position: int, cycles: int, bands: NDArray[np.int64], program: Program
) -> TokenWave:
    """Return a row's wave.

    Args:
        source: What its cycles come from.
        position: KV rows before the row.
        cycles: Of the row.
        bands: int64 (·, 7): `BAND_FIELDS`.
        program: The placed model's.
    """
    columns = dict(zip(BAND_FIELDS, bands.T.tolist(), strict=True))
    operations = program.instructions[bands[:, -1], Field.OP]
    del columns["instruction"]
    return TokenWave(
        source=source,
        position=position,
        cycles=cycles,
        operations=[op.name.lower() for op in Op],
        bands=WaveBands(**columns, operation=operations.tolist()),
    )
