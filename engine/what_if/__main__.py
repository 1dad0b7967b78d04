"""Prices a what-if as a program of its own: it can be ended any time, and nobody waits for it.

``python -m engine.what_if QUESTION`` takes a `WhatIfQuestion` as JSON and writes a JSON line with
the curve after each value, or one with what went wrong.
"""

import os
import sys

import msgspec

from engine.errors import EngineError
from engine.protocol.what_if import WhatIfLine, WhatIfQuestion
from engine.what_if.pricing import price_what_if

_NICE = 10
"""Added to the engine's own: a suggestion is more urgent than what it might have taken."""


def _say(line: WhatIfLine) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _main() -> None:
    os.nice(_NICE)
    try:
        for curve in price_what_if(msgspec.json.decode(sys.argv[1], type=WhatIfQuestion)):
            _say(WhatIfLine(curve))
    except EngineError as error:
        _say(WhatIfLine(error=str(error)))


if __name__ == "__main__":
    _main()
