"""Suggestions in the app: ghost text in the visible editor, and what is learnt and counted."""
