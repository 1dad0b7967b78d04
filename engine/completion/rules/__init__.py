"""What may not open a completion, what ends it, and what is cut off it."""
