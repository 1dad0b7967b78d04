"""Answers questions about the code of a repository; it reads, it proposes, and runs nothing."""
