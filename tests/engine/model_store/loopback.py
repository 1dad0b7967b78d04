"""A web server on this computer: files with ranges and marks, and all that can go wrong with them.

Also a package index, which is files under ``/simple/``.
"""

import re
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Served:
    """One file of the server."""

    data: bytes
    mark: str = '"one"'
    """Its ETag."""
    stop_at: int | None = None
    """Bytes of an answer after which the connection breaks off."""
    hang_at: int | None = None
    """Bytes of an answer after which nothing comes until the server ends or `go_on` is set."""
    length: bool = True
    """Whether the answer says how long it is."""
    shift: int = 0
    """Bytes by which the range that is announced differs from the one asked for."""
    go_on: threading.Event = field(default_factory=threading.Event)


class LoopbackServer(ThreadingHTTPServer):
    """Serves ``files`` and notes every request as (path, first byte asked for)."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, Served] = {}
        self.redirections: dict[str, str] = {}
        self.requests: list[tuple[str, int]] = []
        threading.Thread(target=self.serve_forever, args=(0.02,), daemon=True).start()

    def address(self, path: str = "") -> str:
        return f"http://127.0.0.1:{self.server_address[1]}{path}"

    def add_package(self, wheel_name: str, served: Served) -> None:
        """Offer a wheel as a package index does."""
        project = wheel_name.partition("-")[0].replace("_", "-")
        page = f'<a href="/files/{wheel_name}">{wheel_name}</a>'
        self.files[f"/simple/{project}/"] = Served(page.encode())
        self.files[f"/files/{wheel_name}"] = served

    def end(self) -> None:
        for served in self.files.values():
            served.go_on.set()
        self.shutdown()
        self.server_close()


class _Handler(BaseHTTPRequestHandler):
    server: LoopbackServer

    def log_message(self, *ignored: object) -> None:
        pass

    def do_GET(self) -> None:
        if self.path in self.server.redirections:
            self.send_response(302)
            self.send_header("Location", self.server.redirections[self.path])
            self.end_headers()
            return
        served = self.server.files.get(self.path)
        if served is None:
            self.server.requests.append((self.path, 0))
            self.send_error(404, "Not Found")
            return
        start = self._start(served)
        self.server.requests.append((self.path, start))
        self._answer(served, start)

    def _start(self, served: Served) -> int:
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        same = self.headers.get("If-Range", served.mark) == served.mark
        return int(asked[1]) if asked and same else 0

    def _answer(self, served: Served, start: int) -> None:
        rest = served.data[start:]
        self.send_response(206 if start else 200)
        self.send_header("ETag", served.mark)
        if start:
            first = start + served.shift
            last = len(served.data) - 1
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(served.data)}")
        self.send_header("Content-Type", "text/html" if self.path[-1] == "/" else "octet/stream")
        if served.length:
            self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        if served.stop_at is not None:
            rest, served.stop_at = rest[: served.stop_at], None
        if served.hang_at is not None:
            self.wfile.write(rest[: served.hang_at])
            self.wfile.flush()
            served.go_on.wait(30)
            return
        self.wfile.write(rest)
