"""Placement: which core holds which tile, the order in which sums meet, and the lanes."""
