"""`spark-tui wafer check --region N`: both tiers in one region, its neighbours replayed."""

import engine
from engine.wafer_changes import WaferChanges
from tui.cli.output import say, say_json
from tui.cli.progress import ProgressLine
from tui.cli.wafer.both_tiers import print_cycles

__all__ = ["print_region_check"]


def print_region_check(
    model: str | None,
    machine: str,
    clock: float | None,
    *,
    region: int,
    tokens: int,
    prefill: int,
    layers: int | None,
    changes: WaferChanges,
    as_json: bool,
) -> int:
    """Compare the tiers in one region and print what they have in common; 1 where they differ."""
    with ProgressLine() as progress:
        report = engine.check_wafer_region(
            model, machine, clock, region=region, tokens=tokens, prefill=prefill, layers=layers,
            changes=changes, on_progress=progress.show,
        )  # fmt: skip
    if as_json:
        say_json(report.as_json())
    else:
        _print(report)
    return 0 if report.holds else 1


def _print(report: "engine.RegionReport") -> None:
    if report.first_difference is not None:
        say(f"The tiers differ: {report.first_difference}")
        return
    folded = "; lanes turn over blocks somewhere" if report.folds else ""
    say(
        f"{report.model} on {report.machine}, program {report.program}, region {report.region} "
        f"({report.label}, {report.size[0]} × {report.size[1]} cores{folded}), fed with what the "
        f"fast tier sends there: {report.values_compared:,} values are bit-identical."
    )
    steps = {f"{step.rows} at {step.position}": step.cycles for step in report.steps}
    print_cycles("rows of a step", steps | {"all steps": report.cycles})
    if report.operations:
        print_cycles("decoded tokens", report.operations)
    wavelets = report.wavelets
    say(
        f"Wavelets: {wavelets['sent']:,} sent + {wavelets['copied']:,} copied, "
        f"{wavelets['taken']:,} taken. {report.seconds:.1f} s, tables of "
        f"{report.memory_bytes / 1e9:.2f} GB."
    )
