"""Code generation on an emulated wafer, without a screen.  Names load on first use (PEP 562).

`import engine` is light: no numpy, no numba, no Textual.  Faces use these names and nothing
deeper.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.client import EngineClient, EngineDown, EngineStarting
    from engine.session import Completion, CompletionRequest, Session

__version__ = "0.1.0"

_HOME = {
    "Completion": "engine.session",
    "CompletionRequest": "engine.session",
    "EngineClient": "engine.client",
    "EngineDown": "engine.client",
    "EngineStarting": "engine.client",
    "Session": "engine.session",
}

__all__ = [
    "Completion",
    "CompletionRequest",
    "EngineClient",
    "EngineDown",
    "EngineStarting",
    "Session",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
