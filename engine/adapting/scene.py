"""The step that adapting takes, as it would lie on a wafer: what a screen shows meanwhile."""

from engine.adapting.plan import AdaptPlan, with_adapters
from engine.model_store.bundled import default_bundled
from engine.model_store.lookup import find_model
from engine.protocol.training import TrainingScene
from engine.training_scenes import training_scene

__all__ = ["adapting_scene"]


def adapting_scene(model: str | None = None, machine: str = "wse3") -> TrainingScene:
    """Return one step of adapting a model.

    Args:
        model: As of `engine.adapting.adapter.adapt`.
        machine: Name of the machine.

    Raises:
        EngineError: The model is not there, or its step has no price or no place.
    """
    place = default_bundled() if model is None else find_model(model)
    adapters = place.is_file()
    plan = with_adapters(AdaptPlan()) if adapters else AdaptPlan()
    tokens = min(plan.lengths)
    return training_scene(place, plan.step_tokens // tokens, tokens, machine, adapters=adapters)
