"""A model on a chip that a file describes: it is placed, priced and could be linked."""

from pathlib import Path

import engine
from engine.wafer.program import machine

WORMHOLE = Path(machine.__file__).parents[1] / "machines" / "wormhole-n150.toml"


def test_spark_nano_on_the_worked_example():
    found = engine.plan_wafer("spark-nano", str(WORMHOLE), check=True)

    assert found["machine"] == "wormhole-n150"
    assert found["wafers"] == 1
    assert found["check"]["faults"] == []
    assert 0 < found["low"] < found["cycles_per_token"] < found["high"]
    assert found["sram_bytes_per_core"]["max_total"] < 1_499_136
