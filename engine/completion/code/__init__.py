"""What code tells without a model: brackets, surroundings, syntax, and what makes no sense."""
