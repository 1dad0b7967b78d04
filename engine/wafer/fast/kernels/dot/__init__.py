"""The dot product of one group of weights, written for each kind of processor.

A *path* is one way to compute it: its instructions, and how the weights must lie for them.  All
paths give the same bits.  To add one, write a module with a `DotPath` and name it in `path_table`.
"""
