"""Runs one program in a process of its own, under limits.  A script: imports nothing of ours.

    python -I -S confined_child.py FD SECRET MEGABYTES SECONDS < program

The program's last word goes to file descriptor FD: ``SECRET ok``, or the name of what it raised.
The limits keep a model's mistakes from doing harm: no network, no other process, no file written or
changed outside the working directory.  They are no wall against code that was written to break out.
"""

import ctypes
import os
import resource
import sys

_NEW_USER, _NEW_NETWORK = 0x10000000, 0x40000000  # flags of unshare(2)
_OUTPUT_BYTES = 1 << 20
_OPEN_FILES = 64
_REFUSED = (
    "socket.", "subprocess.", "os.system", "os.exec", "os.spawn", "os.posix_spawn", "os.fork",
    "os.kill", "signal.pthread_kill", "ctypes.", "os.startfile", "pty.", "webbrowser.", "ftplib.",
    "urllib.", "http.", "smtplib.", "telnetlib.", "os.chown", "os.setxattr", "fcntl.",
)  # fmt: skip
_CHANGES = (
    "os.remove", "os.rename", "os.rmdir", "os.mkdir", "os.link", "os.symlink", "os.truncate",
    "os.chmod", "os.utime", "shutil.", "tempfile.",
)  # fmt: skip
_WRITE_FLAGS = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def main() -> None:
    """Limit this process, then run the program from standard input."""
    descriptor, secret, megabytes, seconds = sys.argv[1:5]
    source = sys.stdin.buffer.read()
    _leave_the_network()
    _limit(int(megabytes) << 20, int(seconds))
    sys.addaudithook(_hook(os.path.realpath(os.getcwd()) + os.sep))
    os.write(int(descriptor), _run(source, secret).encode())
    os._exit(0)


def _run(source: bytes, secret: str) -> str:
    """Run a program; return its last word."""
    try:
        exec(compile(source, "program.py", "exec"), {"__name__": "__main__"})
    except BaseException as error:  # whatever it raises is the result, SystemExit too
        return type(error).__name__
    return f"{secret} ok"


def _leave_the_network() -> None:
    """Go where there is no network, if the system lets an ordinary process do so (Linux)."""
    if sys.platform == "linux":
        # Containers often refuse; the audit hook then stands alone.
        ctypes.CDLL(None).unshare(_NEW_USER | _NEW_NETWORK)


def _limit(memory_bytes: int, seconds: int) -> None:
    for kind, most in (
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_FSIZE, _OUTPUT_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_AS, memory_bytes),
    ):
        _, hard = resource.getrlimit(kind)
        limit = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # At the soft limit of processor time comes SIGXCPU, which tells it from other ends.
        above = limit + 1 if kind == resource.RLIMIT_CPU and limit != hard else limit
        try:
            resource.setrlimit(kind, (limit, above))
        except (ValueError, OSError):
            if kind != resource.RLIMIT_AS:  # macOS has no limit of address space
                raise


def _hook(inside: str):  # type: ignore[no-untyped-def]  # the script runs without our packages
    """Return an audit hook that refuses what a test of a function never needs."""

    def is_inside(path: object) -> bool:
        if isinstance(path, int):
            return True  # a descriptor that is open already
        return os.path.realpath(os.fsdecode(path)).startswith(inside)  # type: ignore[arg-type]

    def refuse(event: str, arguments: tuple[object, ...]) -> None:
        if event.startswith(_REFUSED):
            raise PermissionError(f"{event} is not allowed here")
        if event == "open":
            path, mode, flags = arguments
            writes = isinstance(flags, int) and flags & _WRITE_FLAGS
            if (writes or (isinstance(mode, str) and mode.strip("rbtU"))) and not is_inside(path):
                raise PermissionError("no file outside the working directory is written here")
        elif event.startswith(_CHANGES):
            paths = [each for each in arguments if isinstance(each, (str, bytes))]
            if not all(is_inside(each) for each in paths):
                raise PermissionError(f"{event} is not allowed here")

    return refuse


if __name__ == "__main__":
    main()
