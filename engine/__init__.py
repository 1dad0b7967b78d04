"""Code generation on an emulated wafer, without a screen.  Names load on first use (PEP 562).

`import engine` is light: no numpy, no numba, no Textual.  Faces use these names and nothing
deeper.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engine.client import EngineClient, EngineDown, EngineStarting
    from engine.session import Completion, CompletionRequest, Session
    from engine.wafer.machine import facts as machine_facts
    from engine.wafer.machine import names as machine_names

__version__ = "0.1.0"

_HOME = {
    "Completion": "engine.session:Completion",
    "CompletionRequest": "engine.session:CompletionRequest",
    "EngineClient": "engine.client:EngineClient",
    "EngineDown": "engine.client:EngineDown",
    "EngineStarting": "engine.client:EngineStarting",
    "Session": "engine.session:Session",
    "machine_facts": "engine.wafer.machine:facts",
    "machine_names": "engine.wafer.machine:names",
}

__all__ = [
    "Completion",
    "CompletionRequest",
    "EngineClient",
    "EngineDown",
    "EngineStarting",
    "Session",
    "machine_facts",
    "machine_names",
]


def __getattr__(name: str) -> Any:
    """Load a public name from the module that defines it."""
    if name not in _HOME:
        raise AttributeError(f"module 'engine' has no attribute {name!r}")
    module, _, attribute = _HOME[name].partition(":")
    return getattr(import_module(module), attribute)
