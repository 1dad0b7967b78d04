"""Decides when to ask for a suggestion and follows what becomes of it; imports no Textual."""
