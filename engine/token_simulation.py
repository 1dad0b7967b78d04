"""Simulates one token's row on the cycle tier, as a program of its own: it can be ended any time.

``python -m engine.token_simulation MODEL MACHINE POSITION TOKEN CHANGES`` writes a JSON line for
each step on the way and, last, one with the wave or with what went wrong.  The engine process runs
it, so that suggestions wait for no simulation.
"""

import sys

import msgspec

from engine.errors import EngineError
from engine.model.load import load_model
from engine.model_store.lookup import find_model
from engine.protocol.xray import SimulationLine, TokenWave
from engine.telemetry.waves import wave_message
from engine.wafer.plan.placed import open_placed
from engine.wafer.program import machine as machines
from engine.wafer.xray.simulated_row import simulate_row
from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = ["simulate_token"]


def simulate_token(
    model: str, machine: str, position: int, token: int, changes: WaferChanges = UNCHANGED
) -> TokenWave:
    """Return the wave of a token's row; progress goes to standard output.

    Raises:
        EngineError: The model cannot be loaded, placed or simulated.
    """
    loaded = load_model(find_model(model))
    spec = machines.get(machine, changes=changes)
    placed = open_placed(loaded.graph, spec, formats=loaded.formats, changes=changes)
    row = simulate_row(
        placed,
        loaded.tensors,
        position=position,
        token=token,
        on_progress=lambda done, total, label: _say(SimulationLine(done, total, label)),
    )
    return wave_message("cycle tier", position, row.cycles, row.bands, placed.program)


def _say(line: SimulationLine) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


def _main() -> None:
    model, machine, position, token, changed = sys.argv[1:]
    changes = msgspec.json.decode(changed, type=WaferChanges)
    try:
        wave = simulate_token(model, machine, int(position), int(token), changes)
    except EngineError as error:
        _say(SimulationLine(error=str(error)))
    else:
        _say(SimulationLine(wave=wave))


if __name__ == "__main__":
    _main()
