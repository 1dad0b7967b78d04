"""The engine process: one session served over a Unix socket.  Run with ``python -m engine.server``.

``__main__`` reads the command line, `process` is what concerns the process itself (lock, log,
priority), `service` talks with clients, `worker` is the one thread that computes.
"""
