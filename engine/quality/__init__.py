"""Measures suggestions: questions from a directory of Python code, baselines, scores."""

__all__ = ["SUITES", "TASK_SUITES"]

SUITES = ("line", "mid", "block", "api", "cross", "replay")
"""Names of the suites: the kinds of `engine.quality.question_sampler`, and typing key by key."""

TASK_SUITES = ("infill", "situations", "edits")
"""Names of the suites whose questions come from a file of tasks."""
