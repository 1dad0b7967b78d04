"""Conversations with models that hold them: the forms of the families, and blocks of code."""
