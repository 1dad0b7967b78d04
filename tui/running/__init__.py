"""Runs a file of the person's as a program, and reads what it says; no screen."""
