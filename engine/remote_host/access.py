"""What a face hands to the engine with a remote model: the person's yes, and the key.

The key comes from the environment (``SPARK_REMOTE_KEY``) or from the system's keyring, where it is
kept under the service ``spark-tui`` and the host's origin.  It is never written anywhere, neither
to the settings nor to the log.
"""

import os
from importlib import import_module
from typing import Any

import msgspec

from engine.remote_host.address import remote_address
from engine.remote_host.consent import agreed

__all__ = ["KEY_VARIABLE", "SERVICE", "RemoteAccess", "remote_access"]

KEY_VARIABLE = "SPARK_REMOTE_KEY"
SERVICE = "spark-tui"


class RemoteAccess(msgspec.Struct, frozen=True):
    """What it takes to send text to one host."""

    agreed: bool = False
    """Whether the person lets text go there."""
    key: str = ""
    """Goes with each request as a bearer token; empty: none."""

    def __repr__(self) -> str:
        """Return what a log may hold."""
        return f"RemoteAccess(agreed={self.agreed}, key={'…' if self.key else 'none'})"


def remote_access(model: str) -> RemoteAccess:
    """Return what this person's computer knows about the host in a model's address.

    Raises:
        ModelError: It is no address.
    """
    address = remote_address(model)
    may = agreed(address)
    return RemoteAccess(may, _key(address.origin) if may else "")


def _key(origin: str) -> str:
    """Return the key for a host; empty where there is none, or no keyring."""
    key = os.environ.get(KEY_VARIABLE, "")
    if key:
        return key.strip()
    try:
        keyring: Any = import_module("keyring")
        return keyring.get_password(SERVICE, origin) or ""
    except ImportError:
        return ""  # the extra 'remote' is not installed
    except Exception as error:  # each keyring has errors of its own
        if type(error).__module__.partition(".")[0] in ("keyring", "secretstorage", "jeepney"):
            return ""  # locked, or none on this computer: the server says whether it needs a key
        raise
