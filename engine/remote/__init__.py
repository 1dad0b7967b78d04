"""A model that another engine runs, asked over HTTP: suggestions, edits and answers from there.

Nothing here computes; what the same tokens would take on the wafer is priced where the model's
configuration is known.
"""

from engine.remote.remote_session import RemoteSession

__all__ = ["RemoteSession"]
