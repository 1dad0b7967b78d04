"""The exceptions the engine raises on purpose: what was asked, the limit, what to do.

EngineError
├── AdaptError          a model cannot learn a repository
│   └── AdaptCancelledError  whoever asked for it wants it no longer
├── ModelError          a model cannot be used
│   ├── ConfigError     a configuration is missing, malformed or of a family we do not have
│   └── WeightsError    a weight file is missing, truncated, altered or has a wrong shape
├── MachineError        an unknown machine, or a machine field without meaning
├── FabricError         a program of the cycle tier reaches for what is not its own
├── PlacementError      a model does not fit a machine (names the core, the bytes, the change)
├── PredictionError     a prediction is asked for sizes that make no sense on a machine
├── PromptError         a place in a file that does not exist, or a prompt that cannot fit
├── ServerError         the engine process cannot be started or reached
├── StepInterruptedError  a step of a model was interrupted; nothing has changed
├── StoreError          a model cannot be fetched, verified or removed
│   └── PullCancelledError  whoever asked for a model wants it no longer
├── TaskFileError       a file of tasks cannot be read, or holds something else
└── TraceError          a trace is asked for that makes no sense or would be too large
"""

__all__ = [
    "AdaptCancelledError",
    "AdaptError",
    "ConfigError",
    "EngineError",
    "FabricError",
    "MachineError",
    "ModelError",
    "PlacementError",
    "PredictionError",
    "PromptError",
    "PullCancelledError",
    "ServerError",
    "StepInterruptedError",
    "StoreError",
    "TaskFileError",
    "TraceError",
    "WeightsError",
]


_LONGEST_TEXT = 2000
"""Characters of a message; a model's files may spell out names of any length."""


class EngineError(Exception):
    """Base of all errors the engine raises on purpose; its text is one line that can be read."""

    def __str__(self) -> str:
        """Return the message; of one that is too long, its beginning and its end."""
        text = super().__str__()
        if len(text) > _LONGEST_TEXT:
            half = _LONGEST_TEXT // 2
            text = f"{text[:half]} … {text[-half:]}"
        return " ".join(text.splitlines())


class AdaptError(EngineError):
    """A model cannot learn a repository: what is missing, and what to do."""


class AdaptCancelledError(AdaptError):
    """Whoever asked for it wants it no longer; what was learnt so far is kept."""


class ModelError(EngineError):
    """A model folder cannot be used."""


class ConfigError(ModelError):
    """A model's ``config.json`` is missing, malformed or outside what the engine runs."""


class WeightsError(ModelError):
    """A weight file is missing, truncated, altered or holds a tensor of the wrong shape."""


class MachineError(EngineError):
    """A machine name is unknown or a machine field has no meaning."""


class FabricError(EngineError):
    """A program of the cycle tier reaches for a channel, address or account that is not its own."""


class FabricProgramError(EngineError):
    """A program that a person wrote for the cycle tier makes no sense, or asks for too much."""


class StuckProgramError(EngineError):
    """A program that a person wrote came to a state in which nobody can go on."""


class PlacementError(EngineError):
    """A model does not fit the machine."""


class PredictionError(EngineError):
    """A prediction is asked for sizes, or an algorithm, that make no sense on a machine."""


class PromptError(EngineError):
    """A place in a file does not exist, or a prompt does not fit the model."""


class ServerError(EngineError):
    """The engine process cannot be started or reached."""


class StepInterruptedError(EngineError):
    """A step of a model was interrupted from another thread; it can be asked for again."""


class StoreError(EngineError):
    """A model cannot be fetched, verified or removed."""


class PullCancelledError(StoreError):
    """Whoever asked for a model wants it no longer; what came so far is kept."""


class TaskFileError(EngineError):
    """A file of tasks for a measurement cannot be read, or holds something else."""


class TraceError(EngineError):
    """A trace is asked for that makes no sense or would be too large."""
