"""`cores.csv`: one line for each traced core, with its cycles by state and its wavelets by link.

A core is a tile: its router's wavelets are counted by the port they left by.  The fast
tier knows nothing of links and leaves them empty.
"""

from collections.abc import Iterator

from engine.wafer.program.states import STATES
from engine.wafer.trace.traced_steps import Trace

__all__ = ["text"]

_LINKS = ("east", "north", "west", "south", "ramp")


def text(trace: Trace) -> Iterator[str]:
    """Return the file's lines."""
    names = [f"cycles_{state}" for state in STATES] + [f"wavelets_{link}" for link in _LINKS]
    yield ",".join(["column", "row", "region", *names]) + "\n"
    states, crossed = trace.states, trace.links
    labels = [region.label for region in trace.program.regions]
    for y, regions in enumerate(trace.region_map().tolist()):
        for x, region in enumerate(regions):
            counts = [str(count) for count in states[y, x].tolist()]
            if crossed is None:
                counts += [""] * len(_LINKS)
            else:
                counts += [str(count) for count in crossed[y, x].tolist()]
            label = labels[region] if region >= 0 else ""
            where = f"{trace.window.x + x},{trace.window.y + y},{label}"
            yield ",".join([where, *counts]) + "\n"
