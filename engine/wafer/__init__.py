"""The emulated wafer: machines, placement, compiler, Program, and what runs and prices it."""
