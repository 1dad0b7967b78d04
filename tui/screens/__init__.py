"""Screens laid over the app: help, a question with named answers, one line of text."""
