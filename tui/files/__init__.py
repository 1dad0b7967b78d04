"""A person's files: read, watched, saved atomically, recovered after a crash."""
