"""Has a token simulated by a process of its own, and passes on how far it is.

Cancelled, it ends that process.  Computes nothing.
"""

from collections.abc import Callable
from contextlib import aclosing

import msgspec

from engine.errors import EngineError
from engine.protocol.xray import SimulationLine, TokenWave
from engine.server.child_lines import PYTHON_MODULE, child_lines
from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = ["simulate"]

_COMMAND = (*PYTHON_MODULE, "engine.token_simulation")


async def simulate(
    arguments: tuple[str, str, int, int],
    tell: Callable[[SimulationLine], None],
    changes: WaferChanges = UNCHANGED,
) -> TokenWave:
    """Return the wave of a token's row, as it was simulated.

    Args:
        arguments: Model, machine, position, token.
        tell: Called with each line on the way.
        changes: Of the machine, and of how the model lies on it.

    Raises:
        EngineError: It cannot be simulated.
    """
    changed = msgspec.json.encode(changes).decode()
    async with aclosing(child_lines((*_COMMAND, *map(str, arguments), changed))) as lines:
        async for text in lines:
            line = msgspec.json.decode(text, type=SimulationLine)
            if line.error:
                raise EngineError(line.error)
            if line.wave is not None:
                return line.wave
            tell(line)
    raise EngineError("the simulation ended without a result; the memory may not suffice")
