"""Counters of the engine's work and frozen copies of them for readers."""
