"""A training step as a program of cores: forward, loss, backward, optimiser."""
