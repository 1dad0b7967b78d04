"""Code generation on an emulated wafer, without a screen.  Names load on first use (PEP 562).

`import engine` is light: no numpy, no numba, no Textual.  Faces use these names, and beside them
only the light modules: `protocol`, `repository`, `model_store`, `errors`, `paths`, `units`.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from engine.version import __version__ as __version__

if TYPE_CHECKING:
    from engine.adapting.child import AdaptingProcess
    from engine.adapting.messages import Adapted, AdaptProgress
    from engine.adapting.patience import note_typing
    from engine.client import EngineClient
    from engine.client_events import EngineDown, EngineSilent, EngineStarting, ModelKilled
    from engine.doctor import examine as examine_engine
    from engine.engine_process import Launch, launch_ahead
    from engine.inspection import (
        check_wafer,
        check_wafer_region,
        core_of_wafer,
        plan_wafer,
        predict_decode,
        predict_prefill,
        trace_wafer,
        validation_targets,
        wafer_sensitivity,
    )
    from engine.logits import write_logits
    from engine.model_list import ModelList, list_models
    from engine.model_store.digests import weights_sha256
    from engine.opening import open_session
    from engine.peers.measured import compare_peers
    from engine.protocol.asking import AskReply, AskRequest, AskTurn
    from engine.protocol.completion import Completion, CompletionRequest
    from engine.protocol.editing import Edit, EditRequest
    from engine.quality import SUITES as quality_suites
    from engine.quality import TASK_SUITES as task_suites
    from engine.quality.answers import Answerer, CursorAnswer, ModelAnswers, Question
    from engine.quality.bench import MeasuredModel, QualityBench, replay_stretches
    from engine.quality.corpus import SourceFile
    from engine.quality.endings import judge_ending
    from engine.quality.knowledge_fit import FitPlan, FittedTuning
    from engine.quality.knowledge_fit import fit as fit_knowledge
    from engine.quality.task_files import (
        draw_tasks,
        read_edit_tasks,
        read_infill_tasks,
        read_situations,
    )
    from engine.quality.task_suites import measure_edits, measure_infill, measure_situations
    from engine.quality.typing_replay import Stretch, Typed
    from engine.region_simulation import simulate_decode, simulate_layer
    from engine.server.dispatcher import Dispatcher
    from engine.server.http.listening import HttpOptions
    from engine.server.http.listening import serve as serve_http
    from engine.server.language_server import LanguageOptions
    from engine.server.language_server import serve as serve_language
    from engine.server.replica import EngineReplica
    from engine.server.replica_choice import choose_replicas
    from engine.session import Session, default_threads
    from engine.sweep.fit_workers import FitWorkers
    from engine.sweep.grid import read_grid
    from engine.sweep.question_workers import AskedModel, write_ahead
    from engine.sweep.sweep_plot import plot_sweep
    from engine.sweep.sweeper import run_sweep
    from engine.sweep.workers import Workers, choose_workers
    from engine.tokenization import tokenize
    from engine.training_inspection import (
        check_training,
        plan_training,
        predict_train_step,
        training_picture,
    )
    from engine.wafer.check.check_report import CheckReport
    from engine.wafer.check.region_cycles import BothTiers
    from engine.wafer.check.region_report import RegionReport
    from engine.wafer.figures.calibration import facts as calibration_constants
    from engine.wafer.figures.collective_questions import CollectiveQuestion
    from engine.wafer.figures.collective_questions import collective as predict_collective
    from engine.wafer.figures.collective_questions import multicast as predict_multicast
    from engine.wafer.figures.layer_questions import decode_layer as predict_decode_layer
    from engine.wafer.figures.layer_questions import gemv as predict_gemv
    from engine.wafer.figures.layer_questions import prefill_layer as predict_prefill_layer
    from engine.wafer.figures.prediction import Prediction
    from engine.wafer.figures.simulated_question import LayerQuestion, TiersPrediction
    from engine.wafer.figures.table import summarise as summarise_validation
    from engine.wafer.figures.vector_question import vector as predict_vector
    from engine.wafer.program.clocks import clock_ghz as named_clock_ghz
    from engine.wafer.program.machine import facts as machine_facts
    from engine.wafer.program.machine import listing as machine_listing
    from engine.wafer.program.machine import names as machine_names
    from engine.wafer.program.states import STATES
    from engine.wafer.tiers import TIERS
    from engine.wafer.trace.compare_files import LogQuestion, compare_log_files, describe_log
    from engine.wafer.trace.program_run import run_wafer_program
    from engine.watching import look_at_engine, watch_engine
    from engine.watching_client import WatchingClient
    from engine.what_if.parameters import PARAMETERS as what_if_parameters
    from engine.what_if.pricing import price_what_if

_HOME = {
    "STATES": "engine.wafer.program.states:STATES",
    "TIERS": "engine.wafer.tiers:TIERS",
    "AdaptProgress": "engine.adapting.messages:AdaptProgress",
    "Adapted": "engine.adapting.messages:Adapted",
    "AdaptingProcess": "engine.adapting.child:AdaptingProcess",
    "note_typing": "engine.adapting.patience:note_typing",
    "Answerer": "engine.quality.answers:Answerer",
    "BothTiers": "engine.wafer.check.region_cycles:BothTiers",
    "CheckReport": "engine.wafer.check.check_report:CheckReport",
    "RegionReport": "engine.wafer.check.region_report:RegionReport",
    "CollectiveQuestion": "engine.wafer.figures.collective_questions:CollectiveQuestion",
    "AskReply": "engine.protocol.asking:AskReply",
    "AskRequest": "engine.protocol.asking:AskRequest",
    "AskTurn": "engine.protocol.asking:AskTurn",
    "Completion": "engine.protocol.completion:Completion",
    "CompletionRequest": "engine.protocol.completion:CompletionRequest",
    "Dispatcher": "engine.server.dispatcher:Dispatcher",
    "Edit": "engine.protocol.editing:Edit",
    "EditRequest": "engine.protocol.editing:EditRequest",
    "CursorAnswer": "engine.quality.answers:CursorAnswer",
    "EngineClient": "engine.client:EngineClient",
    "EngineDown": "engine.client_events:EngineDown",
    "EngineReplica": "engine.server.replica:EngineReplica",
    "EngineSilent": "engine.client_events:EngineSilent",
    "EngineStarting": "engine.client_events:EngineStarting",
    "FitWorkers": "engine.sweep.fit_workers:FitWorkers",
    "FitPlan": "engine.quality.knowledge_fit:FitPlan",
    "FittedTuning": "engine.quality.knowledge_fit:FittedTuning",
    "HttpOptions": "engine.server.http.listening:HttpOptions",
    "LanguageOptions": "engine.server.language_server:LanguageOptions",
    "Launch": "engine.engine_process:Launch",
    "LayerQuestion": "engine.wafer.figures.simulated_question:LayerQuestion",
    "TiersPrediction": "engine.wafer.figures.simulated_question:TiersPrediction",
    "simulate_decode": "engine.region_simulation:simulate_decode",
    "simulate_layer": "engine.region_simulation:simulate_layer",
    "ModelAnswers": "engine.quality.answers:ModelAnswers",
    "ModelList": "engine.model_list:ModelList",
    "Prediction": "engine.wafer.figures.prediction:Prediction",
    "MeasuredModel": "engine.quality.bench:MeasuredModel",
    "QualityBench": "engine.quality.bench:QualityBench",
    "Question": "engine.quality.answers:Question",
    "Session": "engine.session:Session",
    "open_session": "engine.opening:open_session",
    "Workers": "engine.sweep.workers:Workers",
    "choose_replicas": "engine.server.replica_choice:choose_replicas",
    "choose_workers": "engine.sweep.workers:choose_workers",
    "plot_sweep": "engine.sweep.sweep_plot:plot_sweep",
    "read_grid": "engine.sweep.grid:read_grid",
    "run_sweep": "engine.sweep.sweeper:run_sweep",
    "write_ahead": "engine.sweep.question_workers:write_ahead",
    "AskedModel": "engine.sweep.question_workers:AskedModel",
    "run_wafer_program": "engine.wafer.trace.program_run:run_wafer_program",
    "ModelKilled": "engine.client_events:ModelKilled",
    "SourceFile": "engine.quality.corpus:SourceFile",
    "Stretch": "engine.quality.typing_replay:Stretch",
    "Typed": "engine.quality.typing_replay:Typed",
    "check_wafer": "engine.inspection:check_wafer",
    "check_wafer_region": "engine.inspection:check_wafer_region",
    "LogQuestion": "engine.wafer.trace.compare_files:LogQuestion",
    "compare_log_files": "engine.wafer.trace.compare_files:compare_log_files",
    "describe_log": "engine.wafer.trace.compare_files:describe_log",
    "compare_peers": "engine.peers.measured:compare_peers",
    "examine_engine": "engine.doctor:examine",
    "fit_knowledge": "engine.quality.knowledge_fit:fit",
    "judge_ending": "engine.quality.endings:judge_ending",
    "calibration_constants": "engine.wafer.figures.calibration:facts",
    "launch_ahead": "engine.engine_process:launch_ahead",
    "list_models": "engine.model_list:list_models",
    "machine_facts": "engine.wafer.program.machine:facts",
    "machine_listing": "engine.wafer.program.machine:listing",
    "machine_names": "engine.wafer.program.machine:names",
    "plan_wafer": "engine.inspection:plan_wafer",
    "predict_collective": "engine.wafer.figures.collective_questions:collective",
    "predict_decode": "engine.inspection:predict_decode",
    "predict_decode_layer": "engine.wafer.figures.layer_questions:decode_layer",
    "predict_gemv": "engine.wafer.figures.layer_questions:gemv",
    "predict_prefill": "engine.inspection:predict_prefill",
    "check_training": "engine.training_inspection:check_training",
    "plan_training": "engine.training_inspection:plan_training",
    "predict_train_step": "engine.training_inspection:predict_train_step",
    "training_picture": "engine.training_inspection:training_picture",
    "predict_multicast": "engine.wafer.figures.collective_questions:multicast",
    "predict_prefill_layer": "engine.wafer.figures.layer_questions:prefill_layer",
    "named_clock_ghz": "engine.wafer.program.clocks:clock_ghz",
    "predict_vector": "engine.wafer.figures.vector_question:vector",
    "core_of_wafer": "engine.inspection:core_of_wafer",
    "trace_wafer": "engine.inspection:trace_wafer",
    "serve_language": "engine.server.language_server:serve",
    "serve_http": "engine.server.http.listening:serve",
    "tokenize": "engine.tokenization:tokenize",
    "summarise_validation": "engine.wafer.figures.table:summarise",
    "validation_targets": "engine.inspection:validation_targets",
    "look_at_engine": "engine.watching:look_at_engine",
    "WatchingClient": "engine.watching_client:WatchingClient",
    "watch_engine": "engine.watching:watch_engine",
    "wafer_sensitivity": "engine.inspection:wafer_sensitivity",
    "weights_sha256": "engine.model_store.digests:weights_sha256",
    "price_what_if": "engine.what_if.pricing:price_what_if",
    "what_if_parameters": "engine.what_if.parameters:PARAMETERS",
    "write_logits": "engine.logits:write_logits",
    "default_threads": "engine.session:default_threads",
    "quality_suites": "engine.quality:SUITES",
    "task_suites": "engine.quality:TASK_SUITES",
    "draw_tasks": "engine.quality.task_files:draw_tasks",
    "read_edit_tasks": "engine.quality.task_files:read_edit_tasks",
    "read_infill_tasks": "engine.quality.task_files:read_infill_tasks",
    "replay_stretches": "engine.quality.bench:replay_stretches",
    "read_situations": "engine.quality.task_files:read_situations",
    "measure_edits": "engine.quality.task_suites:measure_edits",
    "measure_infill": "engine.quality.task_suites:measure_infill",
    "measure_situations": "engine.quality.task_suites:measure_situations",
}

__all__ = [
    "STATES",
    "TIERS",
    "AdaptProgress",
    "Adapted",
    "AdaptingProcess",
    "Answerer",
    "AskReply",
    "AskRequest",
    "AskTurn",
    "AskedModel",
    "BothTiers",
    "CheckReport",
    "CollectiveQuestion",
    "Completion",
    "CompletionRequest",
    "CursorAnswer",
    "Dispatcher",
    "Edit",
    "EditRequest",
    "EngineClient",
    "EngineDown",
    "EngineReplica",
    "EngineSilent",
    "EngineStarting",
    "FitPlan",
    "FitWorkers",
    "FittedTuning",
    "HttpOptions",
    "LanguageOptions",
    "Launch",
    "LayerQuestion",
    "LogQuestion",
    "MeasuredModel",
    "ModelAnswers",
    "ModelKilled",
    "ModelList",
    "Prediction",
    "QualityBench",
    "Question",
    "RegionReport",
    "Session",
    "SourceFile",
    "Stretch",
    "TiersPrediction",
    "Typed",
    "WatchingClient",
    "Workers",
    "calibration_constants",
    "check_training",
    "check_wafer",
    "check_wafer_region",
    "choose_replicas",
    "choose_workers",
    "compare_log_files",
    "compare_peers",
    "core_of_wafer",
    "default_threads",
    "describe_log",
    "draw_tasks",
    "examine_engine",
    "fit_knowledge",
    "judge_ending",
    "launch_ahead",
    "list_models",
    "look_at_engine",
    "machine_facts",
    "machine_listing",
    "machine_names",
    "measure_edits",
    "measure_infill",
    "measure_situations",
    "named_clock_ghz",
    "note_typing",
    "open_session",
    "plan_training",
    "plan_wafer",
    "plot_sweep",
    "predict_collective",
    "predict_decode",
    "predict_decode_layer",
    "predict_gemv",
    "predict_multicast",
    "predict_prefill",
    "predict_prefill_layer",
    "predict_train_step",
    "predict_vector",
    "price_what_if",
    "quality_suites",
    "read_edit_tasks",
    "read_grid",
    "read_infill_tasks",
    "read_situations",
    "replay_stretches",
    "run_sweep",
    "run_wafer_program",
    "serve_http",
    "serve_language",
    "simulate_decode",
    "simulate_layer",
    "summarise_validation",
    "task_suites",
    "tokenize",
    "trace_wafer",
    "training_picture",
    "validation_targets",
    "wafer_sensitivity",
    "watch_engine",
    "weights_sha256",
    "what_if_parameters",
    "write_ahead",
    "write_logits",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(import_module(module), attribute)
