"""`spark-tui wafer predict …`: cycles of collectives, products, layers and whole models."""

from typing import ClassVar

import click

from tui.cli.lazy import LazyGroup

__all__ = ["predict"]

_HERE = "tui.cli.wafer.predict"


class _Predictions(LazyGroup):
    """The commands below ``predict``."""

    homes: ClassVar = {
        "collective": f"{_HERE}.parts",
        "decode": f"{_HERE}.models",
        "decode-layer": f"{_HERE}.layers:decode_layer",
        "gemv": f"{_HERE}.parts",
        "multicast": f"{_HERE}.parts",
        "prefill": f"{_HERE}.models",
        "prefill-layer": f"{_HERE}.layers:prefill_layer",
        "train-step": f"{_HERE}.models:train_step",
        "vector": f"{_HERE}.parts",
    }


@click.group(cls=_Predictions, short_help="Cycles of collectives, products and layers of any size.")
def predict() -> None:
    """Predict the cycles of a collective, a product, a layer or a whole decode step.

    Sizes are checked against the machine; what does not fit is refused with the limit.
    """
