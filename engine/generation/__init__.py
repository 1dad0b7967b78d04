"""Generates tokens: the loop over a transformer, and the choice of each token."""
