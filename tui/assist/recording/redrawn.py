"""A recorded picture of the wafer, for panes of another size than those it was recorded for."""

from msgspec.structs import replace

from engine import STATES
from engine.protocol.messages import Telemetry, WatchedCores

__all__ = ["redrawn"]


def redrawn(telemetry: Telemetry, cores: WatchedCores | None) -> Telemetry:
    """Return counters with a picture of ``cores``, as well as the recorded one tells it.

    Each cell is shown as the recorded cell in which its middle lies: hues and brightness are
    those of then, the number of cycles is that of the recorded cell.
    """
    known = telemetry.cores
    if cores == known or cores is None or known is None or not telemetry.cell_states:
        return telemetry
    import numpy as np  # not before the first paint

    states = np.frombuffer(telemetry.cell_states, "<u8")
    recorded = states.reshape(known.rows, known.columns, len(STATES))
    down = (2 * np.arange(cores.rows) + 1) * cores.height // (2 * cores.rows) + cores.y - known.y
    across = (2 * np.arange(cores.columns) + 1) * cores.width // (2 * cores.columns)
    across += cores.x - known.x
    rows, columns = down * known.rows // known.height, across * known.columns // known.width
    picture = np.zeros((cores.rows, cores.columns, len(STATES)), "<u8")
    inside = np.ix_((rows >= 0) & (rows < known.rows), (columns >= 0) & (columns < known.columns))
    picture[inside] = recorded[np.ix_(rows[inside[0].ravel()], columns[inside[1].ravel()])]
    return replace(telemetry, cores=cores, cell_states=picture.tobytes())
