"""Rewrites lines of a text as an instruction says, with a model that follows instructions."""
