"""A larger engine elsewhere: its address, whether text may go there, its key.  Sends nothing."""

from engine.remote_host.access import RemoteAccess, remote_access
from engine.remote_host.address import PREFIX, RemoteAddress, is_remote, remote_address
from engine.remote_host.consent import agree, agreed

__all__ = [
    "PREFIX",
    "RemoteAccess",
    "RemoteAddress",
    "agree",
    "agreed",
    "is_remote",
    "remote_access",
    "remote_address",
]
