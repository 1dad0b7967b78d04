"""The address of a model that another engine runs: ``openai:http://HOST:PORT/v1#NAME``.  Pure."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from engine.errors import ModelError

__all__ = ["PREFIX", "RemoteAddress", "is_remote", "remote_address"]

PREFIX = "openai:"
"""Begins the address of a model behind OpenAI's HTTP interface."""

_FORM = "openai:http://HOST:PORT/v1#NAME"
_LONGEST = 2_000
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class RemoteAddress:
    """Where a model is asked, and what it is called there."""

    scheme: str
    """``http`` or ``https``."""
    host: str
    port: int
    path: str
    """In front of ``/completions`` and the like: ``/v1``."""
    model: str
    """The name that the server knows it by."""

    @property
    def place(self) -> str:
        """Host and port for a person: ``example.org:8000``."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def origin(self) -> str:
        """What a person agrees to: scheme, host and port."""
        return f"{self.scheme}://{self.place}"

    @property
    def encrypted(self) -> bool:
        """Whether nobody on the way can read what is sent."""
        return self.scheme == "https" or self.is_here

    @property
    def is_here(self) -> bool:
        """Whether it is this computer."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:  # a name
            return False


def is_remote(model: str | None) -> bool:
    """Return whether a model's name is the address of one that another engine runs."""
    return model is not None and model.startswith(PREFIX)


def remote_address(text: str) -> RemoteAddress:
    """Return the address that a text has the form of.

    Raises:
        ModelError: It has another form, or brings a password along.
    """
    try:
        parts = urlsplit(text.removeprefix(PREFIX))
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError as error:
        raise ModelError(f"{_shown(text)} is no address: {error}; write {_FORM}") from None
    if parts.username is not None or parts.password is not None:
        raise ModelError(
            "an address takes no user and password; put the key into SPARK_REMOTE_KEY or the "
            "system's keyring"
        )
    sound = text.startswith(PREFIX) and text.isprintable() and " " not in text and not parts.query
    if not (sound and parts.scheme in _PORTS and parts.hostname and parts.fragment):
        raise ModelError(f"{_shown(text)} is no address of a model; write {_FORM}")
    if len(text) > _LONGEST:
        raise ModelError(f"an address has at most {_LONGEST} characters, this one {len(text)}")
    return RemoteAddress(parts.scheme, parts.hostname, port, parts.path.rstrip("/"), parts.fragment)


def _shown(text: str) -> str:
    """Return a text for a message, what may be a password left out."""
    head, at, tail = text.rpartition("@")
    return repr(f"…@{tail}" if at else head + tail)
