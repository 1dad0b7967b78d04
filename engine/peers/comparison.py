"""One token of a placed model on the wafer, on this computer and on peers.  Runs nothing."""

from collections.abc import Sequence

from engine.peers.peer import Peer, bundled_peers
from engine.peers.roofline import TokenWork, roofline
from engine.protocol.peers import PeerComparison, PeerFigures
from engine.units import Cycles, Gigahertz, tokens_per_second
from engine.wafer.plan.placed import Placed
from engine.wafer.program.isa import Field, Op
from engine.wafer.xray.step_xray import PlacedXray, StepShape, StepXray

__all__ = ["compare", "token_work"]


def compare(
    placed: Placed,
    xray: PlacedXray,
    position: int,
    *,
    host_tokens_per_second: float | None,
    clock_ghz: float | None = None,
    further: Sequence[Peer] = (),
) -> PeerComparison:
    """Return one token's figures on every machine.

    Args:
        placed: The model on the emulated machine.
        xray: Of it; its first step takes a while.
        position: KV rows before the token.
        host_tokens_per_second: As measured here; None: nothing was.
        clock_ghz: Clock of the wafer; None: the machine's own.
        further: Peers beside those that come with the program.
    """
    step = xray.step(StepShape(position, 1, 1))
    work = token_work(placed, step)
    clock = placed.machine.clock_ghz if clock_ghz is None else clock_ghz
    wafer = _on_the_wafer(placed, step, clock)
    here = _here(work, host_tokens_per_second)
    others = [roofline(peer, work) for peer in (*bundled_peers(), *further)]
    return PeerComparison(
        model=placed.graph.name,
        machine=placed.machine.name,
        clock_ghz=clock,
        position=position,
        weight_bytes=work.weight_bytes,
        kv_bytes=work.kv_bytes,
        macs=work.macs,
        peers=[wafer, here, *others],
    )


def token_work(placed: Placed, step: StepXray) -> TokenWork:
    """Return what a decode step asks of any machine, from its X-ray and the Program."""
    operations = placed.program.instructions[:, Field.OP]
    steps = int(((operations == Op.MATMUL) | (operations == Op.ATTENTION)).sum())
    return TokenWork(step.weight_bytes, step.kv_bytes, step.macs, steps)


def _on_the_wafer(placed: Placed, step: StepXray, clock_ghz: float) -> PeerFigures:
    machine = placed.machine
    slower = machine.clock_ghz / clock_ghz  # the energy model multiplies watts by time
    return PeerFigures(
        name=f"wafer {machine.name} at {clock_ghz:g} GHz",
        clock="emulated",
        tokens_per_second=float(tokens_per_second(Cycles(step.cycles), Gigahertz(clock_ghz))),
        off_chip_bytes_per_token=0,
        synchronisations_per_token=step.sent.collectives,
        joules_per_token=step.joules.likely * slower,
        bound="cycles",
        source="formulas of the placed program; energy from published watts (cost/energy.py); "
        "weights, keys and values stay in the cores' SRAM",
    )


def _here(work: TokenWork, rate: float | None) -> PeerFigures:
    return PeerFigures(
        name="this computer",
        clock="measured",
        tokens_per_second=rate,
        off_chip_bytes_per_token=work.bytes_read,
        synchronisations_per_token=work.dependent_steps,
        joules_per_token=None,
        bound="measured",
        source="decode steps of the fast tier, timed; bytes from the weights' formats; no power "
        "meter is read",
    )
