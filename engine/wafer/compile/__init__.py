"""The compiler: a graph and a placement in, a Program with its costs out."""
