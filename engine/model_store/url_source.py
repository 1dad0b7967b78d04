"""Fetches a file from an address that the person gives, over HTTP; goes on where it broke off.

The only module that opens a connection itself, and only when `pull` is given an address.
"""

import contextlib
import errno
import http.client
import json
import urllib.error
import urllib.parse
import urllib.request
from email.message import Message
from http import HTTPStatus
from pathlib import Path
from typing import Any

from engine.model_store.digests import file_sha256
from engine.model_store.shelf import READ_BYTES
from engine.model_store.transfer import ProgressMeter, SourceError, WholeFile, require_space
from engine.version import __version__

__all__ = ["fetch_url", "is_url"]

_SOURCE = "url"
_FILE, _STATE = "url", "url.json"
TIMEOUT_SECONDS = 30.0
ATTEMPTS = 4
"""Times that a connection may break off in a row without a byte gained."""
MOST_BYTES = 1 << 40
"""A file whose size nobody knows beforehand may have no more bytes."""


def is_url(text: str) -> bool:
    """Tell whether a source is an address."""
    return text.lower().startswith(("http://", "https://"))


def fetch_url(
    address: str, work: Path, meter: ProgressMeter, expected_bytes: int | None
) -> WholeFile:
    """Bring the file at an address into a folder.

    Args:
        address: An ``http`` or ``https`` address.
        work: The folder; what an earlier call left of the same address there is used.
        meter: Told of the progress.
        expected_bytes: The file's size, if it is known; another is refused.

    Raises:
        SourceError: The address cannot be reached, refuses, or gives something else.
        StoreError: The disk has no room.
    """
    work.mkdir(parents=True, exist_ok=True)
    transfer = _Transfer(address, work, meter, expected_bytes)
    failures = 0
    while True:
        before = transfer.done
        try:
            if transfer.attempt():
                break
            problem: Exception = EOFError("the connection ended early")
        except urllib.error.HTTPError as error:
            raise SourceError(f"{address}: {error.code} {error.reason}") from error
        except (OSError, http.client.HTTPException) as error:
            if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise  # our disk is full, which is not the address's fault
            problem = error
        failures = failures + 1 if transfer.done == before else 0
        if failures >= ATTEMPTS or isinstance(problem, urllib.error.URLError):
            raise SourceError(f"{address}: {_reason(problem)}") from problem
    meter.begin("checking", _SOURCE, transfer.done)
    return WholeFile(transfer.file, file_sha256(transfer.file, meter.at), address)


def _reason(error: Exception) -> str:
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None) or error
    return str(getattr(reason, "strerror", None) or reason) or type(error).__name__


class _Transfer:
    """A file on its way, and the mark by which the server knows that it has not changed."""

    def __init__(
        self, address: str, work: Path, meter: ProgressMeter, expected_bytes: int | None
    ) -> None:
        self.file = work / _FILE
        self._state = work / _STATE
        self._address = address
        self._meter = meter
        self._expected = expected_bytes
        self._mark = self._known_mark()

    @property
    def done(self) -> int:
        """Bytes that are there."""
        return self.file.stat().st_size if self.file.exists() else 0

    def _known_mark(self) -> str:
        """Return the mark of what is there; forget what came from elsewhere or has no mark."""
        with contextlib.suppress(OSError, ValueError, RecursionError):
            state = json.loads(self._state.read_text(encoding="utf-8"))
            if isinstance(state, dict) and state.get("address") == self._address:
                return str(state.get("mark", ""))
        self.file.unlink(missing_ok=True)
        return ""

    def attempt(self) -> bool:
        """Ask for the rest and write it; return whether all is there."""
        if self._expected is not None and self.done >= self._expected:
            if self.done == self._expected:
                return True
            self.file.unlink()
        request = urllib.request.Request(self._address, headers=self._headers())
        with _opener().open(request, timeout=TIMEOUT_SECONDS) as answer:
            start = self._start(answer)
            total = self._total(answer.headers, start)
            self._remember(answer.headers)
            if total is not None:
                require_space(self.file.parent, max(0, total - start), f"fetching {self._address}")
            self._meter.begin("fetching", _SOURCE, total or 0)
            self._copy(answer, start, total)
        return total is None or self.done == total

    def _headers(self) -> dict[str, str]:
        headers = {"User-Agent": f"spark-tui/{__version__}", "Accept-Encoding": "identity"}
        if self.done and self._mark:
            headers |= {"Range": f"bytes={self.done}-", "If-Range": self._mark}
        return headers

    def _start(self, answer: http.client.HTTPResponse) -> int:
        """Return the byte of the file that the answer begins with.

        Raises:
            SourceError: It is a part, and another one than asked for.
        """
        if answer.status != HTTPStatus.PARTIAL_CONTENT:
            return 0
        given = answer.headers.get("Content-Range", "")
        if not given.startswith(f"bytes {self.done}-"):
            raise SourceError(
                f"{self._address} gives {given!r}, asked for from byte {self.done} on"
            )
        return self.done

    def _total(self, headers: Message, start: int) -> int | None:
        """Return the bytes of the whole file as the server announces them.

        Raises:
            SourceError: They are not those of the file that is wanted.
        """
        length = headers.get("Content-Length", "")
        total = start + int(length) if length.isdecimal() else None
        wanted = self._expected
        if total is not None and (total > MOST_BYTES or wanted not in (None, total)):
            limit = f"the model's file has {wanted}" if wanted else f"the limit is {MOST_BYTES}"
            raise SourceError(f"{self._address} has {total} bytes, {limit}")
        return total if total is not None else wanted

    def _remember(self, headers: Message) -> None:
        """Keep the mark of this file; a weak one does not tell two files of one meaning apart."""
        mark = headers.get("ETag", "")
        self._mark = headers.get("Last-Modified", "") if mark.startswith("W/") else mark
        self._mark = self._mark or headers.get("Last-Modified", "")
        state = {"address": self._address, "mark": self._mark}
        self._state.write_text(json.dumps(state), encoding="utf-8")

    def _copy(self, answer: http.client.HTTPResponse, start: int, total: int | None) -> None:
        """Write what comes as it comes, so that all of it is there when the connection breaks."""
        most = MOST_BYTES if total is None else total
        with self.file.open("r+b" if start else "wb") as out:
            out.seek(start)
            out.truncate()
            done = start
            while block := answer.read1(min(READ_BYTES, most + 1 - done)):
                done += len(block)
                if done > most:
                    raise SourceError(f"{self._address} gives more than {most} bytes")
                out.write(block)
                self._meter.at(done)


class _HttpOnly(urllib.request.HTTPRedirectHandler):
    """Follows a redirection to HTTP or HTTPS, and from HTTPS only to HTTPS."""

    def redirect_request(
        self, req: urllib.request.Request, fp: Any, code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """Return the next request, as the base class says.

        Raises:
            SourceError: It would leave HTTP or the encryption.
        """
        before, after = (urllib.parse.urlsplit(url).scheme for url in (req.full_url, newurl))
        if after not in ("http", "https") or (before == "https" and after == "http"):
            raise SourceError(f"{req.full_url} leads to {newurl}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _opener() -> urllib.request.OpenerDirector:
    """Return an opener of HTTP only: no files, no FTP; proxies are those of the environment."""
    opener = urllib.request.OpenerDirector()
    for handler in (
        urllib.request.ProxyHandler(),
        urllib.request.HTTPHandler(),
        urllib.request.HTTPSHandler(),
        urllib.request.HTTPDefaultErrorHandler(),
        urllib.request.HTTPErrorProcessor(),
        urllib.request.UnknownHandler(),
        _HttpOnly(),
    ):
        opener.add_handler(handler)
    return opener
