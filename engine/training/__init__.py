"""Trains a model on the host: exact gradients of a ModelGraph, AdamW, Muon and the step of both."""
