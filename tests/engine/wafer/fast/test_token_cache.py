"""The KV cache takes memory for the positions that were written, not for the context."""

import sys
from pathlib import Path

import numpy as np
import pytest

from engine.wafer.fast import executor


def resident_pages():
    return int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.skipif(sys.platform != "linux", reason="reads resident memory as Linux tells it")
def test_room_takes_memory_page_by_page():
    numbers, stride = 1 << 24, 1 << 15  # 64 MB; a position of 512 rows, each 128 KB apart
    before = resident_pages()
    room = executor._zeros_by_page(numbers, np.float32)
    room[::stride] = 1.0
    assert resident_pages() - before < 4 * numbers // stride
    assert room.sum() == numbers // stride
    assert room.dtype == np.float32
    assert room.shape == (numbers,)
