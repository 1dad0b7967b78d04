"""Sweeps: the same question over a grid of machines, models and sizes, on many processes."""
