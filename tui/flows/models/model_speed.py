"""Measures how fast a fetched model writes here, once, for the rule of the default model."""

from statistics import median

from engine.protocol.completion import Completion

__all__ = ["ModelSpeed"]

_COMPLETIONS = 5
"""Completions whose median counts."""
_LEAST_TOKENS = 8
"""Shorter completions say little."""


class ModelSpeed:
    """Keeps the speeds of the first completions of each model, and notes their median."""

    def __init__(self) -> None:
        self._speeds: dict[str, list[float]] = {}

    def heard(self, completion: Completion) -> None:
        """Count a completion; once there are enough, tell the store.

        A slow moment must not put a model aside for ever: of two measurements the faster stays.
        """
        speed = completion.host.tokens_per_second
        if speed is None or completion.completion_tokens < _LEAST_TOKENS:
            return
        speeds = self._speeds.setdefault(completion.model, [])
        speeds.append(speed)
        if len(speeds) == _COMPLETIONS:
            _note(completion.model, median(speeds))


def _note(model: str, tokens_per_second: float) -> None:
    from engine import model_store

    if model in {each.name for each in model_store.installed()}:
        before = model_store.speed_of(model)
        if before is None or before < tokens_per_second:
            model_store.note_speed(model, tokens_per_second)
