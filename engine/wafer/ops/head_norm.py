"""RMS norm of every head of queries and keys on the north line, before their rotation.

Micro-steps, all on the north line: COMPUTE squares → [where columns share a head: REDUCE a wavelet
for each head over them to the first, multicast back] → COMPUTE roots and the scaled heads.
"""

from engine.wafer.cost.ledger import Cost, MicroSteps, vector
from engine.wafer.ops.attention import HeadSplit
from engine.wafer.ops.site import ALONG_COLUMNS, RSQRT_OPERATIONS, Site

__all__ = ["cost", "steps"]


def steps(micro: MicroSteps, site: Site, split: HeadSplit) -> None:
    """Tell the micro-steps for the queries and keys of one row.

    Cost (h heads of d dimensions in a column, p columns a head):
        2·vector(h·d) + [reduce(p, h) + multicast(p, h)] + h·(divide + rsqrt) + 2·vector(h·d)
    """
    machine = site.machine
    heads = split.queries + split.kv
    north = (slice(0, 1), slice(split.columns))
    line = site.line(
        ALONG_COLUMNS, cells=north, length=split.parts, repeat=split.columns // split.parts
    )
    cycles, overhead = vector(machine, heads * split.dims, operations=2)
    micro.work(north, vector=cycles, pipe=overhead)
    if split.parts > 1:
        micro.reduce(line, split.parts, heads)
        micro.multicast(line, heads)
    roots = heads * (machine.divide_cycles + RSQRT_OPERATIONS)
    micro.work(north, vector=cycles + roots, pipe=overhead)


def cost(site: Site, split: HeadSplit) -> Cost:
    """Return the cost of `steps` alone."""
    return site.price(steps, split)
