"""Models as data: configuration, families, graph, weight files, quantisation, NumPy reference.

Knows nothing of the wafer, of text or of processes.  Modules are imported by their full name.
"""
