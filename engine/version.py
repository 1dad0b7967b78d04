"""The program's version, and the protocol's.  Imports nothing, so that every layer may read it."""

__all__ = ["PROTOCOL_VERSION", "__version__"]

__version__ = "0.1.0"

PROTOCOL_VERSION = 12
"""Raised with every change of a message; a client refuses another version with one clear line."""
