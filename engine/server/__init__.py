"""The engine process: one session served over a Unix socket.  Run with ``python -m engine.server``.

`__main__` reads the command line, `process` cares for the process itself (lock, log, priority),
`hub` talks with clients, and `worker` is the one thread that computes.
"""
