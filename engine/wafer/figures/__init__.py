"""Figures: predictions for any size, and published measurements beside them."""
