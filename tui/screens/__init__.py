"""Screens over the app: help, a question with a few choices, one line of text."""
