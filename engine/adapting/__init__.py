"""Teaches a small model the repository it works in, and keeps the result only if it is better."""
