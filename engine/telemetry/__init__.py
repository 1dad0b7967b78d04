"""Counts the engine's work and hands frozen copies of the counts to readers."""
