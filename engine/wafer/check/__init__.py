"""Compares both tiers on the same tokens: equal bits, and how far cycles and states differ."""
