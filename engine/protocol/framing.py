"""Reads frames of `messages` from an asyncio stream; for both ends of the socket."""

from asyncio import IncompleteReadError, StreamReader

import msgspec

from engine.errors import ServerError
from engine.protocol.messages import MAX_FRAME_BYTES, ServerMessage, decode_server

__all__ = ["HEADER_BYTES", "read_body", "read_server_message"]

HEADER_BYTES = 4


async def read_body(reader: StreamReader) -> bytes | None:
    """Return the body of the next frame; None at the end of the stream, even within a frame.

    Raises:
        ServerError: The frame says it is longer than a frame may be.
    """
    try:
        length = int.from_bytes(await reader.readexactly(HEADER_BYTES), "big")
        if length > MAX_FRAME_BYTES:
            raise ServerError(
                f"a message of {length} bytes was announced, the limit is {MAX_FRAME_BYTES}; "
                "the other end does not speak this protocol"
            )
        return await reader.readexactly(length)
    except (IncompleteReadError, ConnectionError):
        return None


async def read_server_message(reader: StreamReader) -> ServerMessage | None:
    """Return what the engine process says next; None at the end.

    Raises:
        ServerError: The body is no message of this protocol.
    """
    body = await read_body(reader)
    try:
        return None if body is None else decode_server(body)
    except msgspec.MsgspecError as error:
        raise ServerError(
            f"the engine process sent something that is no message: {error}"
        ) from error
