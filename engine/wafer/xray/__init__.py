"""X-ray of a step: its cycles by operation, its way over the wafer, its traffic and its energy."""
