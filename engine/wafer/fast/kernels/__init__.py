"""What the host computes for each operation, compiled by numba: arrays in, results in place.

Leaves: numba, NumPy and the shared scalar functions, nothing else of ours.  Machine numbers and
shapes arrive as arguments, because numba bakes module globals into the compiled code.
"""
