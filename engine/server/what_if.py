"""Has a what-if priced by a process of its own, and passes on the curve as it grows.

Cancelled, it ends that process.  Computes nothing.
"""

from collections.abc import Callable
from contextlib import aclosing

import msgspec

from engine.errors import EngineError
from engine.protocol.what_if import WhatIfCurve, WhatIfLine, WhatIfQuestion
from engine.server.child_lines import PYTHON_MODULE, child_lines

__all__ = ["price_beside"]

_COMMAND = (*PYTHON_MODULE, "engine.what_if")


async def price_beside(
    question: WhatIfQuestion, tell: Callable[[WhatIfCurve], None]
) -> WhatIfCurve:
    """Return the whole curve.

    Args:
        question: What is asked.
        tell: Called with the curve before each further point.

    Raises:
        EngineError: There is no such model, machine or parameter.
    """
    curve: WhatIfCurve | None = None
    asked = msgspec.json.encode(question).decode()
    async with aclosing(child_lines((*_COMMAND, asked))) as lines:
        async for text in lines:
            line = msgspec.json.decode(text, type=WhatIfLine)
            if line.error:
                raise EngineError(line.error)
            if curve is not None:
                tell(curve)
            curve = line.curve
    if curve is None or not curve.whole:
        raise EngineError("pricing ended without a result; the memory may not suffice")
    return curve
