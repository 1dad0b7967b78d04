"""Flows that cross the parts of the screen: files with their questions, recovery, ghost text."""
