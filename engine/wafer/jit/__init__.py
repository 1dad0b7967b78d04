"""numba: one set of decorators, and the folder where compiled kernels are kept."""
