"""The engine process: sessions served over a Unix socket.  Run with ``python -m engine.server``.

`__main__` reads the command line, `process` cares for the process itself (lock, log, priority),
`hub` welcomes clients, `connection` is one of them, `sessions` counts what is open, and `worker` is
the one thread that computes.
"""
