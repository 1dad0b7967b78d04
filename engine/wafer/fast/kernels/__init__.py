"""The host's computation of each operation, compiled by numba: arrays in, results in place.

Kernels import numba, NumPy and the shared scalar functions, nothing else.  Machine numbers and
shapes arrive as arguments, because numba bakes module globals into the compiled code.
"""
