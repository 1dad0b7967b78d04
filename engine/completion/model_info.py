"""Describes a loaded model for a face: its size, its types of weights, and what it can do."""

from engine.chat.chat_styles import find_chat_style
from engine.completion.prompts.prompt_styles import find_style
from engine.model.families import FAMILIES
from engine.model.load import Model
from engine.protocol.messages import ModelInfo, WeightType
from engine.tokenizer import Tokenizer

__all__ = ["model_info"]


def model_info(model: Model, tokenizer: Tokenizer) -> ModelInfo:
    """Return what a face wants to know of a model."""
    graph = model.graph
    return ModelInfo(
        name=model.name,
        folder=str(model.path),
        parameters=model.parameters,
        layers=graph.layers,
        width=graph.width,
        vocabulary=graph.vocabulary,
        context_length=graph.context_length,
        language=model.language,
        weight_bytes=model.weight_bytes,
        fill_in_the_middle=find_style(tokenizer, model.name) is not None,
        follows_instructions=find_chat_style(tokenizer) is not None,
        family=_family(model),
        types=_types(model),
    )


def _family(model: Model) -> str:
    return next((name for name, kind in FAMILIES.items() if type(model.config) is kind), "")


def _types(model: Model) -> dict[str, WeightType]:
    """Return tensors and bytes by type, the type with the most bytes first."""
    types: dict[str, WeightType] = {}
    for tensor in model.tensors.values():
        before = types.get(tensor.format.name, WeightType(0, 0))
        types[tensor.format.name] = WeightType(before.tensors + 1, before.bytes + tensor.size_bytes)
    return dict(sorted(types.items(), key=lambda entry: -entry[1].bytes))
