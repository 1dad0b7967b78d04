"""Code generation on an emulated wafer, without a screen.  Names load on first use (PEP 562).

`import engine` is light: no numpy, no numba, no Textual.  Faces use these names and nothing
deeper.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.client import EngineClient, EngineDown, EngineStarting
    from engine.model.load import weights_sha256
    from engine.quality import SUITES as quality_suites
    from engine.quality.answers import Answer, Answerer, ModelAnswers, Question
    from engine.quality.bench import QualityBench
    from engine.quality.endings import judge_ending
    from engine.quality.replay import Stretch, Typed
    from engine.session import Completion, CompletionRequest, Session
    from engine.wafer.calibration import facts as calibration_constants
    from engine.wafer.check import check_wafer
    from engine.wafer.machine import facts as machine_facts
    from engine.wafer.machine import names as machine_names
    from engine.wafer.plan_report import plan_wafer
    from engine.wafer.predict.decode import decode as predict_decode
    from engine.wafer.predict.questions import Prediction
    from engine.wafer.predict.questions import collective as predict_collective
    from engine.wafer.predict.questions import decode_layer as predict_decode_layer
    from engine.wafer.predict.questions import gemv as predict_gemv
    from engine.wafer.predict.questions import multicast as predict_multicast
    from engine.wafer.predict.questions import prefill_layer as predict_prefill_layer
    from engine.wafer.trace.write import trace_wafer
    from engine.wafer.validate import summarise as summarise_validation
    from engine.wafer.validate import targets as validation_targets

__version__ = "0.1.0"

_HOME = {
    "Answer": "engine.quality.answers:Answer",
    "Answerer": "engine.quality.answers:Answerer",
    "Completion": "engine.session:Completion",
    "CompletionRequest": "engine.session:CompletionRequest",
    "EngineClient": "engine.client:EngineClient",
    "EngineDown": "engine.client:EngineDown",
    "EngineStarting": "engine.client:EngineStarting",
    "ModelAnswers": "engine.quality.answers:ModelAnswers",
    "Prediction": "engine.wafer.predict.questions:Prediction",
    "QualityBench": "engine.quality.bench:QualityBench",
    "Question": "engine.quality.answers:Question",
    "Session": "engine.session:Session",
    "Stretch": "engine.quality.replay:Stretch",
    "Typed": "engine.quality.replay:Typed",
    "check_wafer": "engine.wafer.check:check_wafer",
    "judge_ending": "engine.quality.endings:judge_ending",
    "calibration_constants": "engine.wafer.calibration:facts",
    "machine_facts": "engine.wafer.machine:facts",
    "machine_names": "engine.wafer.machine:names",
    "plan_wafer": "engine.wafer.plan_report:plan_wafer",
    "predict_collective": "engine.wafer.predict.questions:collective",
    "predict_decode": "engine.wafer.predict.decode:decode",
    "predict_decode_layer": "engine.wafer.predict.questions:decode_layer",
    "predict_gemv": "engine.wafer.predict.questions:gemv",
    "predict_multicast": "engine.wafer.predict.questions:multicast",
    "predict_prefill_layer": "engine.wafer.predict.questions:prefill_layer",
    "trace_wafer": "engine.wafer.trace.write:trace_wafer",
    "summarise_validation": "engine.wafer.validate:summarise",
    "validation_targets": "engine.wafer.validate:targets",
    "weights_sha256": "engine.model.load:weights_sha256",
    "quality_suites": "engine.quality:SUITES",
}

__all__ = [
    "Answer",
    "Answerer",
    "Completion",
    "CompletionRequest",
    "EngineClient",
    "EngineDown",
    "EngineStarting",
    "ModelAnswers",
    "Prediction",
    "QualityBench",
    "Question",
    "Session",
    "Stretch",
    "Typed",
    "calibration_constants",
    "check_wafer",
    "judge_ending",
    "machine_facts",
    "machine_names",
    "plan_wafer",
    "predict_collective",
    "predict_decode",
    "predict_decode_layer",
    "predict_gemv",
    "predict_multicast",
    "predict_prefill_layer",
    "quality_suites",
    "summarise_validation",
    "trace_wafer",
    "validation_targets",
    "weights_sha256",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(import_module(module), attribute)
