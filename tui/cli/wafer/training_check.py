"""`spark-tui wafer check --train CONFIG`: a training step on host, fabric and reference."""

from dataclasses import asdict
from pathlib import Path

import engine
from engine.errors import EngineError
from tui.cli.failures import WrongCallError
from tui.cli.output import say, say_json

__all__ = ["print_training_check"]


def print_training_check(
    config: Path,
    machine: str,
    *,
    block: tuple[int, int],
    tokens: int,
    layers: int | None,
    optimizer: str,
    as_json: bool,
) -> int:
    """Run a step and print what the three runs have in common; returns 1 where they differ."""
    try:
        found = engine.check_training(
            config, machine, block=block, tokens=tokens, layers=layers, optimizer=optimizer
        )
    except EngineError as error:
        raise WrongCallError(str(error)) from error
    if as_json:
        more = {"relative_error": found.relative_error, "holds": found.holds}
        say_json(asdict(found) | more)
        return 0 if found.holds else 1
    say(
        f"{found.model}, random weights, a step of {found.tokens} tokens on {found.columns} × "
        f"{found.rows} cores of {found.machine}: loss {found.loss:.4f} nats a token"
    )
    say(
        f"host and fabric: {found.first_difference or 'the same bits'} "
        f"({found.words_compared:,} words of all cores)"
    )
    same = ", ".join(found.differing_tensors) or "the same bits"
    say(f"host and reference: {same} ({found.tensors_compared} gradients and stepped weights)")
    say(
        f"{found.cycles_analytic:,} cycles by formula, {found.cycles_simulated:,} simulated, error "
        f"{found.relative_error:+.3%}; {found.wavelets:,} wavelets, {found.links:,} links crossed "
        f"({found.links_counted:,} by the instructions)"
    )
    uses = ", ".join(f"{use} {size:,}" for use, size in found.sram_bytes.items())
    fits = "fits" if found.fits else "does not fit: such a step runs here, not on the machine"
    say(f"a core: {sum(found.sram_bytes.values()):,} bytes ({uses}), which {fits}")
    say(f"a core takes {found.colors[0]} colors and gives {found.colors[1]}")
    return 0 if found.holds else 1
