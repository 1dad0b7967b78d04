"""Decides which files of a repository may be read: neither ignored nor private ones."""
