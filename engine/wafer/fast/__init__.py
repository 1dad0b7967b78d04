"""The fast tier: the numbers of a Program at full host speed, its cycles by formula."""
