"""Compares the fast and the cycle tier: equal bits, and how far cycles and states differ."""
