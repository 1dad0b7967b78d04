"""Programs that a person writes for the cycle tier: their file, their lowering, their run."""
