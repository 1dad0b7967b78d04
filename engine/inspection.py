"""Answers questions about a named model on the wafer: plan, check, trace, predict, validate.

Finds the model, reads its configuration, or all of it where the question needs that, and passes
graphs and tensors down; the wafer knows neither names nor families.  No session is opened.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

from engine.errors import ModelError
from engine.model.families import read_graph
from engine.model.families.qwen3 import Qwen3Config
from engine.model.families.rope import Rope
from engine.model.graph import ModelGraph
from engine.model.load import load_model, read_formats
from engine.model.tensors import FORMATS, uniform_formats
from engine.model.tensors.floats import FP16
from engine.model.tensors.tensor import Tensor
from engine.model_store.bundled import bundled_models
from engine.model_store.lookup import find_model
from engine.progress import OnProgress, quiet
from engine.protocol.messages import CoreAsked, CoreTold, Progress
from engine.telemetry.counters import Work
from engine.telemetry.snapshot import Snapshot
from engine.telemetry.wafer_answers import WaferAnswers
from engine.wafer.check.check_report import CheckReport
from engine.wafer.check.comparison import PREFILL_ROWS, check
from engine.wafer.check.region_check import check_region
from engine.wafer.check.region_report import RegionReport
from engine.wafer.figures import calibration, sensitivity, table
from engine.wafer.figures.decode_question import DecodeQuestion, decode
from engine.wafer.figures.prediction import Prediction
from engine.wafer.figures.prefill_question import PrefillQuestion, prefill
from engine.wafer.figures.served import LONGEST_CONTEXT, ServedModel
from engine.wafer.figures.spreads import spread
from engine.wafer.figures.targets.target import Target
from engine.wafer.plan.placed import Placed, open_placed
from engine.wafer.plan.plan_report import report_plan
from engine.wafer.plan.shape_search import PlanOptions
from engine.wafer.program import machine as machines
from engine.wafer.program.machine import MachineSpec
from engine.wafer.trace import trace_files
from engine.wafer.trace.collect import collect
from engine.wafer.trace.trace_files import TraceReport
from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = [
    "check_wafer",
    "check_wafer_region",
    "core_of_wafer",
    "decode_model",
    "plan_wafer",
    "predict_decode",
    "predict_prefill",
    "served_graph",
    "trace_wafer",
    "validation_targets",
    "wafer_sensitivity",
]

Report = Callable[[Progress], None]


def plan_wafer(
    model: str | None,
    machine: str,
    clock_ghz: float | None = None,
    *,
    context: int | None = None,
    dtype: str | None = None,
    blocks: int | None = None,
    block: tuple[int, int] | None = None,
    rows_per_step: int = 1,
    check: bool = False,
    beside_int8: bool = True,
) -> dict[str, object]:
    """Plan a model on a machine and return what was found, and the search, as plain numbers.

    Opens the model's configuration, never its weights.

    Args:
        model: A bundled model, a folder, a GGUF file, or a Hugging Face ``config.json``; None: the
            default.
        machine: Name of the machine.
        clock_ghz: Another clock than the machine's own.
        context: KV rows to hold; None: the model's own.
        dtype: Name of the format of all matrices, one that has a price; None: those of the GGUF
            file, else int8.
        blocks: Blocks of layers; None means the planner's choice.
        block: Columns and rows of a block; None means the planner's choice.
        rows_per_step: Rows of a step that sizes are compared with.
        check: Whether to look into what every core uses of queues, colors, task ids and SRAM.
        beside_int8: Whether to say what the model would take in int8 if it is in other formats.

    Raises:
        ConfigError: The configuration cannot be read or priced.
        WeightsError: The GGUF file is malformed, or has a tensor that does not run.
        MachineError: The machine or the clock is unknown.
        PlacementError: The model does not fit.
    """
    spec = machines.get(machine, clock_ghz)
    is_config = model is not None and Path(model).suffix == ".json"
    path = Path(str(model)) if is_config else find_model(model)
    if path.is_file() and not is_config:
        graph, formats = read_formats(path, context)
    else:
        graph, formats = read_graph(path, context), {}
    if dtype is not None or not formats:
        formats = uniform_formats(graph.weights, FORMATS[dtype or "int8"])
    runs = all(formats[name].runs for name, shape in graph.weights.items() if len(shape) == 2)
    options = PlanOptions(
        blocks=blocks,
        block=block,
        formats=formats,
        rows_per_step=rows_per_step,
        runs=runs and not is_config and (path.is_file() or path in bundled_models().values()),
    )
    report = report_plan(graph, spec, context, options, check=check, beside_int8=beside_int8)
    measured = calibration.is_calibrated(spec.name, "decode") and report["dtype"] == FP16.name
    given = spread(spec.name, "decode", measured=measured)
    low, high = given.ends(int(str(report["cycles_per_token"])))
    return report | {"low": low, "high": high, "range_from": given.basis}


def check_wafer(
    model: str | None,
    machine: str,
    clock_ghz: float | None = None,
    *,
    tokens: int = 2,
    prefill: int = PREFILL_ROWS,
    layers: int | None = None,
    on_progress: Report = lambda progress: None,
) -> CheckReport:
    """Compare the fast tier with the simulated chip on the same tokens.

    Args:
        model: A bundled name, a model folder or a GGUF file; None means the bundled default.
        machine: A preset's name.
        clock_ghz: Another clock; changes no cycle.
        tokens: Decoded tokens.
        prefill: Rows of the step before them.
        layers: Take only the first so many layers, which compute nothing useful but every value
            of themselves; None: all.
        on_progress: Called with what is being done.

    Raises:
        ModelError: The model cannot be found or loaded, or has fewer layers.
        EngineError: It cannot be placed, the tokens do not fit its context, or the fabric comes
            to rest too early.
    """
    placed, tensors = _open(model, machines.get(machine, clock_ghz), layers, UNCHANGED)
    report = _messages("check", on_progress)
    return check(placed, tensors, tokens=tokens, prefill=prefill, on_progress=report)


def check_wafer_region(
    model: str | None,
    machine: str,
    clock_ghz: float | None = None,
    *,
    region: int,
    tokens: int = 2,
    prefill: int = PREFILL_ROWS,
    layers: int | None = None,
    changes: WaferChanges = UNCHANGED,
    on_progress: Report = lambda progress: None,
) -> RegionReport:
    """Compare both tiers in one region alone; what comes to it is what the fast tier sends there.

    Args:
        model: A bundled name, a model folder or a GGUF file; None means the bundled default.
        machine: A preset's name.
        clock_ghz: Another clock; changes no cycle.
        region: Number of a block of layers, from 0 on, or of the head behind them.
        tokens: Decoded tokens.
        prefill: Rows of the step before them.
        layers: Take only the first so many layers; None: all.
        changes: What of the placement is given.
        on_progress: Called with what is being done.

    Raises:
        ModelError: The model cannot be found or loaded, or has fewer layers.
        EngineError: It cannot be placed, has no such region, or the rows do not fit its context.
    """
    placed, tensors = _open(model, machines.get(machine, clock_ghz), layers, changes)
    report = _messages("check", on_progress)
    return check_region(placed, tensors, region, tokens=tokens, prefill=prefill, on_progress=report)


def _open(
    model: str | None, machine: MachineSpec, layers: int | None, changes: WaferChanges
) -> tuple[Placed, dict[str, Tensor]]:
    """Return a model's first layers placed, and their tensors by name."""
    loaded = load_model(find_model(model))
    graph = _first_layers(loaded.graph, layers)
    tensors = {name: loaded.tensors[name] for name in graph.weights}
    formats = {name: tensor.format for name, tensor in tensors.items()}
    return open_placed(graph, machine, formats=formats, changes=changes), tensors


def _first_layers(graph: ModelGraph, count: int | None) -> ModelGraph:
    if count is None:
        return graph
    if not 1 <= count <= graph.layers:
        raise ModelError(f"{count} layers asked for; {graph.name} has {graph.layers}")
    return graph.with_layers(*range(count))


def trace_wafer(
    model: str | None,
    machine: str,
    clock_ghz: float | None = None,
    *,
    out: Path,
    tier: str = "cycle",
    tokens: int = 1,
    region: tuple[int, int, int, int] | None = None,
    on_progress: Report = lambda progress: None,
) -> TraceReport:
    """Trace some tokens and write the files.

    Args:
        model: A bundled name, a model folder or a GGUF file; None means the bundled default.
        machine: A preset's name.
        clock_ghz: Another clock; changes no cycle.
        out: Folder to write to; made where it is missing.
        tier: ``cycle`` or ``fast``.
        tokens: Tokens, one a step, from an empty KV cache.
        region: (x, y, width, height) of the cores to watch; None means those of the first layer.
        on_progress: Called with what is being done.

    Raises:
        TraceError: The call makes no sense, or the trace would be too large; nothing is written.
        EngineError: The model cannot be loaded or placed.
    """
    report = _messages("trace", on_progress)
    trace_files.check_folder(out)
    loaded = load_model(find_model(model))
    spec = machines.get(machine, clock_ghz)
    report(0, tokens, "placing the model")
    placed = open_placed(loaded.graph, spec, formats=loaded.formats)
    trace = collect(
        placed, loaded.tensors, tier=tier, tokens=tokens, region=region, on_progress=report
    )
    return trace_files.write(trace, out, report)


def core_of_wafer(model: str | None, machine: str, x: int, y: int) -> CoreTold:
    """Return what one core holds, passes on and runs; of its counters nothing has run.

    Opens the model's configuration, never its weights.

    Args:
        model: A bundled name, a model folder or a GGUF file; None means the bundled default.
        machine: A preset's name.
        x: The core's column on the wafer.
        y: Its row.

    Raises:
        EngineError: The model cannot be read or placed, or there is no such core.
    """
    path = find_model(model)
    graph, formats = read_formats(path) if path.is_file() else (read_graph(path), {})
    placed = open_placed(graph, machines.get(machine), formats=formats or None)
    now = Snapshot(Work(), False, 0, placed.placement.context_length, placed.counts)
    return WaferAnswers(placed).core(CoreAsked(1, 0, x, y), now, None)


def predict_decode(
    machine: str,
    *,
    config: Path,
    context: int,
    blocks: int | None = None,
    block: tuple[int, int] | None = None,
    dtype: str = "int8",
    sample: str = "wafer",
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of one decoded token of the model in a configuration.

    Args:
        machine: Name of the machine.
        config: A Hugging Face ``config.json``; no weights are read.
        context: Rows in the KV cache.
        blocks: Blocks of layers; None means the planner's choice.
        block: Columns and rows of a block; None means the planner's choice.
        dtype: Name of the format of all matrices, one that has a price.
        sample: Who chooses the token: ``wafer`` or ``host``.
        clock_ghz: A clock other than the machine's own.

    Raises:
        ConfigError: The configuration cannot be read or has no price.
        MachineError: The machine is unknown.
        PlacementError: The model does not fit.
        PredictionError: A size makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    question = DecodeQuestion(context, blocks, block, dtype, sample)
    return decode(read_graph(config, max(1, context)), spec, question)


def predict_prefill(
    machine: str,
    *,
    config: Path,
    tokens: int,
    chunk: int | None = None,
    blocks: int | None = None,
    side: int | None = None,
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of a prompt by a program of its own, and streamed as the app does it.

    Args:
        machine: Name of the machine.
        config: A Hugging Face ``config.json``; no weights are read.
        tokens: Tokens of the prompt.
        chunk: Tokens of a chunk; None: the size that takes the fewest cycles.
        blocks: Blocks of layers; None: as many as lie on a wafer.
        side: Cores along a block's edge; None: 256, or what the machine has.
        clock_ghz: A clock other than the machine's own.

    Raises:
        ConfigError: The configuration cannot be read or has no price.
        MachineError: The machine is unknown.
        PlacementError: The model does not fit.
        PredictionError: A size makes no sense.
    """
    spec = machines.get(machine, clock_ghz)
    question = PrefillQuestion(tokens, chunk, blocks, side)
    return prefill(read_graph(config, max(1, tokens)), spec, question)


def decode_model(
    model: str,
    machine: str,
    *,
    context: int | None = None,
    blocks: int | None = None,
    block: tuple[int, int] | None = None,
    dtype: str = "int8",
    clock_ghz: float | None = None,
) -> Prediction:
    """Return the cycles of one decoded token, as `predict_decode` does, of a model by its name.

    Args:
        model: As of `plan_wafer`.
        machine: Name of the machine.
        context: Rows in the KV cache; None: the model's own.
        blocks: As of `predict_decode`.
        block: As of `predict_decode`.
        dtype: As of `predict_decode`.
        clock_ghz: As of `predict_decode`.

    Raises:
        EngineError: As of `predict_decode`; or there is no such model.
    """
    spec = machines.get(machine, clock_ghz)
    path = Path(model) if Path(model).suffix == ".json" else find_model(model)
    is_file = path.is_file() and path.suffix != ".json"
    graph = read_formats(path, context)[0] if is_file else read_graph(path, context)
    question = DecodeQuestion(context or graph.context_length, blocks, block, dtype)
    return decode(graph, spec, question)


def validation_targets(on_progress: OnProgress = quiet) -> Iterator[Target]:
    """Yield every published figure that can be computed, beside the predictions.

    Args:
        on_progress: Called with (subjects done, subjects, the next one's name).
    """
    return table.targets(ServedModel(served_graph()), on_progress)


def wafer_sensitivity(
    context: int = 256, dtype: str = "fp16", on_progress: OnProgress = quiet
) -> dict[str, object]:
    """Return what each assumption does to a token of the served model on WSE-3.

    Args:
        context: Rows in the KV cache.
        dtype: Name of the format of its matrices.
        on_progress: Called with (assumptions done, assumptions, the next one's name).
    """
    served = ServedModel(served_graph())
    return sensitivity.facts(served, machines.get("wse3"), context, dtype, on_progress)


def served_graph() -> ModelGraph:
    """Return the graph of Qwen3-1.7B, the model that was served on a physical CS-3."""
    config = Qwen3Config(
        hidden_size=2048,
        intermediate_size=6144,
        num_hidden_layers=28,
        num_attention_heads=16,
        num_key_value_heads=8,
        head_dim=128,
        vocab_size=151_936,
        max_position_embeddings=LONGEST_CONTEXT,
        rms_norm_eps=1e-6,
        rope=Rope(1e6),
        tie_word_embeddings=True,
    )
    return config.graph("Qwen3-1.7B")


def _messages(stage: str, on_progress: Report) -> OnProgress:
    """Return a function that passes progress on as messages of a stage."""
    return lambda done, total, label: on_progress(Progress(stage, done, total, label))
