"""Figures: predictions for sizes nobody listed, and published figures beside them."""
