"""How good suggestions are: questions made from a directory of Python code, baselines, scores."""

__all__ = ["SUITES"]

SUITES = ("line", "mid", "block", "api", "cross", "replay")
"""The suites by name: questions of `engine.quality.question_sampler`, and typing key by key."""
