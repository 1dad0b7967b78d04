"""The messages between a client and the engine process, and the frame around each.

A session is one model on one machine.  A client gives each of its sessions a number of its own when
it opens it; the messages about a session carry that number.  Clients that open the same model on
the same machine share what computes, not the number.

Depends on msgspec only (no numpy, no numba), so that a client stays light.  A frame is a
4-byte big-endian length, then one MessagePack value of `ClientMessage` or `ServerMessage`.
Sizes are bytes, times are milliseconds of **host** time, cycles are **wafer** time.
"""

import struct
from typing import Any, TypeVar

import msgspec

from engine.protocol.any_text import SIGN, carried, restored
from engine.protocol.asking import AskReply, AskRequest, Reading
from engine.protocol.completion import Completion, CompletionRequest
from engine.protocol.cores import (
    MOST_CELLS,
    CoreAsked,
    CoreTold,
    MarkInterval,
    Still,
    StillAsked,
    WatchedCores,
)
from engine.protocol.editing import Edit, EditRequest
from engine.protocol.peers import PeerComparison
from engine.protocol.what_if import WhatIfCurve, WhatIfSetup
from engine.protocol.xray import TokenWave, Xray
from engine.remote_host import RemoteAccess
from engine.wafer_changes import UNCHANGED, WaferChanges

__all__ = [
    "MAX_FRAME_BYTES",
    "MOST_CELLS",
    "AnswerReading",
    "AnswerWave",
    "AnswerXray",
    "Answered",
    "Ask",
    "AskWhatIf",
    "Cancel",
    "ClientMessage",
    "CloseSession",
    "Compare",
    "Compared",
    "Complete",
    "Completed",
    "CoreAsked",
    "CoreTold",
    "EngineReady",
    "Failed",
    "LookInto",
    "MachineInfo",
    "MarkInterval",
    "ModelInfo",
    "OpenSession",
    "OtherText",
    "PartialText",
    "Ping",
    "Pong",
    "Progress",
    "RegionInfo",
    "Rewrite",
    "Rewritten",
    "ServerMessage",
    "SessionFailed",
    "Shutdown",
    "Simulating",
    "Still",
    "StillAsked",
    "Telemetry",
    "ThroughputPoint",
    "Unwatch",
    "Watch",
    "WatchedCores",
    "WeightType",
    "Welcome",
    "WhatIfTold",
    "decode_client",
    "decode_server",
    "encode",
]

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""A longer frame is an error, not an allocation."""


# ── client → server ─────────────────────────────────────────────────────────────────────────


class OpenSession(msgspec.Struct, tag=True, frozen=True):
    """Ask for a model on a machine; `Progress` follows, then `EngineReady` or `SessionFailed`."""

    session: int
    """Chosen by the client, from 1, unique among the sessions it has open."""
    model: str | None = None
    """A model's name, the absolute path of its folder or file, or the address of a remote one; None
    is the default."""
    machine: str = "wse3"
    clock_ghz: float | None = None
    """Clock that turns cycles into seconds for this client; None is the machine's own.  Sessions
    that differ in nothing else are one."""
    access: RemoteAccess = RemoteAccess()
    """For a model that another engine runs (``openai:…``)."""
    join: bool = False
    """Use the newest model that is open, whatever model and machine are named; `SessionFailed`
    where none is.  It may be closed as if nobody had joined: then `SessionFailed` comes, too."""
    changes: WaferChanges = UNCHANGED
    """Of the machine, and of how the model lies on it."""


class CloseSession(msgspec.Struct, tag=True, frozen=True):
    """Give a session back; its request is cancelled and its telemetry ends."""

    session: int


class Complete(msgspec.Struct, tag=True, frozen=True):
    """Ask for the text at a cursor.  A client's newer one cancels its older one."""

    session: int
    request_id: int
    """Chosen by the client, from 1, unique in its connection."""
    request: CompletionRequest
    automatic: bool = True
    """False when the person asked for it."""
    threshold: float | None = None
    """Mean log-probability below which a text is not worth showing unasked; None: the model's."""
    others: int = 0
    """How many other texts are wanted as well: each comes as `OtherText` before `Completed`."""


class Rewrite(msgspec.Struct, tag=True, frozen=True):
    """Ask for lines as an instruction wants them; a client's newer one cancels its older one.

    A person asked for it: it cancels the client's `Complete`, and no `Complete` cancels it.
    """

    session: int
    request_id: int
    """As in `Complete`; one number is never used for both."""
    request: EditRequest


class Ask(msgspec.Struct, tag=True, frozen=True):
    """Ask a question about the code; a client's newer one cancels its older one.

    It cancels the client's `Complete`, and no other request cancels it.
    """

    session: int
    request_id: int
    """As in `Complete`; one number is never used for both."""
    request: AskRequest


class Cancel(msgspec.Struct, tag=True, frozen=True):
    """Stop a request; honoured inside a step, too, before its next instruction."""

    request_id: int


class Watch(msgspec.Struct, tag=True, frozen=True):
    """Send `Telemetry` now, and then every ``interval_ms`` in which something happens."""

    session: int
    interval_ms: int = 200
    cores: WatchedCores | None = None
    """What is looked at; None: no single cores, or more cells than there may be."""


class LookInto(msgspec.Struct, tag=True, frozen=True):
    """Ask for the X-ray of an answer, or for the wave of one of its tokens."""

    session: int
    request_id: int
    """As in `Complete`."""
    answer: int
    """`Completion.answer`; 0: the newest, whoever asked for it."""
    token: int | None = None
    """Index into the X-ray's tokens: its wave; None: the X-ray."""
    simulate: bool = False
    """True: the wave of the cycle tier, after `Simulating` …; `Cancel` ends it.  False: that of the
    formulas."""


class Compare(msgspec.Struct, tag=True, frozen=True):
    """Ask for a token of the session's model on other machines."""

    session: int
    request_id: int
    """As in `Complete`."""


class Ping(msgspec.Struct, tag=True, frozen=True):
    """Ask for a sign of life; `Pong` follows, whatever is being computed."""


class AskWhatIf(msgspec.Struct, tag=True, frozen=True):
    """Ask what an answer would take on a changed wafer: `WhatIfTold` …; `Cancel` ends it.

    A client's newer one takes the place of an older one.
    """

    session: int
    request_id: int
    """As in `Complete`."""
    answer: int
    """`Completion.answer`."""
    over: str
    """The parameter that takes every value it can."""
    setup: WhatIfSetup | None = None
    """All others; None: those of the session."""


class Unwatch(msgspec.Struct, tag=True, frozen=True):
    """Send no more `Telemetry` of a session."""

    session: int


class Shutdown(msgspec.Struct, tag=True, frozen=True):
    """Ask the engine process to end once it has answered."""


ClientMessage = (
    OpenSession
    | CloseSession
    | Complete
    | Rewrite
    | Ask
    | Cancel
    | Watch
    | Unwatch
    | LookInto
    | StillAsked
    | MarkInterval
    | CoreAsked
    | Compare
    | Ping
    | AskWhatIf
    | Shutdown
)


# ── server → client ─────────────────────────────────────────────────────────────────────────


class Welcome(msgspec.Struct, tag=True, frozen=True):
    """First message of every connection."""

    protocol: int
    pid: int
    version: str


class Pong(msgspec.Struct, tag=True, frozen=True):
    """The answer to a `Ping`."""


class Progress(msgspec.Struct, tag=True, frozen=True):
    """A step of getting ready: loading the model, compiling or loading kernels."""

    stage: str
    """``"model"``, ``"kernels"`` or, of a check of the tiers, ``"check"``."""
    done: int
    total: int
    label: str
    """The current step, for a person: ``"preparing matmul"``."""
    session: int = 0
    """The client's number; 0 where no process is asked."""


class WeightType(msgspec.Struct, frozen=True):
    """How much of a model is stored in one type of weights."""

    tensors: int
    bytes: int
    """As loaded."""


class ModelInfo(msgspec.Struct, frozen=True):
    """The model that is loaded."""

    name: str
    folder: str
    parameters: int
    layers: int
    width: int
    vocabulary: int
    context_length: int
    language: str
    """The one language it was trained on, ``"python"``, or ``"any"``."""
    weight_bytes: int
    fill_in_the_middle: bool
    """False: it only continues the text before the cursor."""
    follows_instructions: bool = False
    """Whether it holds conversations, and so can rewrite lines; False: it only completes."""
    family: str = ""
    """``"llama"``, ``"qwen2"``, …"""
    types: dict[str, WeightType] = {}
    """Tensors and bytes by type of the weights: ``"int8"``, ``"q4_k"``, ``"fp32"``, …"""
    threshold: float | None = None
    """Mean log-probability from which a text is worth showing unasked; None: all are."""
    remote: str = ""
    """Host and port of the engine elsewhere that computes it; empty: it runs on the wafer here."""


class RegionInfo(msgspec.Struct, frozen=True):
    """A rectangle of cores with one job; (column, row), origin north-west."""

    label: str
    """``"layer 0"``, ``"head"``."""
    x: int
    y: int
    width: int
    height: int
    sram_bytes: dict[str, int]
    """Bytes of the region's fullest core by use: code, weights, kv, buffers, max_total."""


class MachineInfo(msgspec.Struct, frozen=True):
    """The emulated machine and where the model lies on it."""

    name: str
    clock_ghz: float
    columns: int
    rows: int
    sram_bytes_per_core: int
    program: str
    """The Program's hash."""
    cores_used: int
    regions: list[RegionInfo]
    """Empty for a remote model: nothing of it lies here.  ``program`` and ``cores_used`` then are
    those of the placement that it is priced with, or empty and 0 where its shape is not known."""


class EngineReady(msgspec.Struct, tag=True, frozen=True):
    """A session answers from now on."""

    model: ModelInfo
    machine: MachineInfo
    threads: int
    processor_path: str
    """``"amx"``, ``"vnni"``, ``"avx-vnni"``, ``"avx2"``, ``"dotprod"`` or ``"portable"``;
    ``"simulator"`` or ``"numpy"`` where no kernels run, ``"remote"`` where nothing does."""
    start_ms: float
    """From asking for the session to its being ready; small where it was open already."""
    session: int = 1


class SessionFailed(msgspec.Struct, tag=True, frozen=True):
    """A session cannot be opened; the client has it no more.  Other sessions go on."""

    session: int
    message: str


class PartialText(msgspec.Struct, tag=True, frozen=True):
    """All text of a request so far; a later message of the same request replaces it."""

    request_id: int
    text: str


class OtherText(msgspec.Struct, tag=True, frozen=True):
    """Another text for the same cursor; its first line is none of those before."""

    request_id: int
    text: str
    mean_logprob: float | None = None
    """As in `Completion`."""
    likelihoods: list[tuple[int, float]] = []
    """As in `Completion`."""


class Completed(msgspec.Struct, tag=True, frozen=True):
    """The end of a `Complete`."""

    request_id: int
    completion: Completion
    prompt: str = ""
    """What the model read, its control tokens by name."""


class Rewritten(msgspec.Struct, tag=True, frozen=True):
    """The end of a `Rewrite`."""

    request_id: int
    edit: Edit


class AnswerReading(msgspec.Struct, tag=True, frozen=True):
    """What the model is shown for an `Ask`, before it reads that."""

    request_id: int
    reading: Reading


class Answered(msgspec.Struct, tag=True, frozen=True):
    """The end of an `Ask`."""

    request_id: int
    reply: AskReply


class Failed(msgspec.Struct, tag=True, frozen=True):
    """A request could not be served."""

    request_id: int
    message: str


class AnswerXray(msgspec.Struct, tag=True, frozen=True):
    """The X-ray that a `LookInto` asked for."""

    request_id: int
    xray: Xray


class AnswerWave(msgspec.Struct, tag=True, frozen=True):
    """The wave that a `LookInto` asked for."""

    request_id: int
    answer: int
    token: int
    wave: TokenWave


class Compared(msgspec.Struct, tag=True, frozen=True):
    """The comparison that a `Compare` asked for."""

    request_id: int
    comparison: PeerComparison


class WhatIfTold(msgspec.Struct, tag=True, frozen=True):
    """What an `AskWhatIf` asked for, as far as it is priced; the last one is whole."""

    request_id: int
    curve: WhatIfCurve


class Simulating(msgspec.Struct, tag=True, frozen=True):
    """How far a simulation is that a `LookInto` asked for."""

    request_id: int
    done: int
    total: int
    label: str


class ThroughputPoint(msgspec.Struct, frozen=True):
    """One interval of the history line; None where nothing of the kind happened in it."""

    prefill_tokens: int
    decode_tokens: int
    host_prefill_tokens_per_second: float | None
    host_decode_tokens_per_second: float | None
    wafer_prefill_cycles_per_token: float | None
    wafer_decode_cycles_per_token: float | None


class Telemetry(msgspec.Struct, tag=True, frozen=True):
    """Counters since this client's last `Telemetry` of a session, and its state now."""

    sequence: int
    busy: bool
    position: int
    """Rows in the KV cache."""
    context_length: int
    elapsed_cycles: int
    """Wafer cycles of this interval."""
    total_cycles: int
    """Wafer cycles since the session was opened."""
    throughput: ThroughputPoint
    states_by_region: list[list[int]]
    """Per region, the cycles of its cores by state (in the order of `engine.STATES`), summed over
    its cores."""
    cores: WatchedCores | None
    """What is looked at."""
    cell_states: bytes
    """Per cell of it, row by row, six little-endian uint64: the cycles of its cores by state,
    summed.  Empty without cells, and when there were no cycles.  The first message after a `Watch`
    is of no interval; it has here, and in ``states_by_region``, those of the last one with
    cycles."""
    cycles_by_operation: dict[str, int]
    """Wafer cycles of this interval by operation name."""
    session: int = 1


ServerMessage = (
    Welcome
    | Pong
    | Progress
    | EngineReady
    | SessionFailed
    | PartialText
    | OtherText
    | Completed
    | Rewritten
    | AnswerReading
    | Answered
    | AnswerXray
    | AnswerWave
    | Compared
    | WhatIfTold
    | Simulating
    | Failed
    | Telemetry
    | Still
    | CoreTold
)

_HEADER = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()
_client_decoder: msgspec.msgpack.Decoder[ClientMessage] = msgspec.msgpack.Decoder(ClientMessage)
_server_decoder: msgspec.msgpack.Decoder[ServerMessage] = msgspec.msgpack.Decoder(ServerMessage)
_Message = TypeVar("_Message")


def encode(message: ClientMessage | ServerMessage) -> bytearray:
    """Return ``message`` as one frame, length included."""
    frame = bytearray(_HEADER.size)
    try:
        _encoder.encode_into(message, frame, _HEADER.size)
    except UnicodeEncodeError:
        _encoder.encode_into(_any_text(message), frame, _HEADER.size)
    else:
        if not isinstance(message, Telemetry | Still) and SIGN in frame:
            _encoder.encode_into(_any_text(message), frame, _HEADER.size)
    _HEADER.pack_into(frame, 0, len(frame) - _HEADER.size)
    return frame


def decode_client(body: bytes) -> ClientMessage:
    """Return the client's message in the body of a frame.

    Raises:
        msgspec.DecodeError: The body is not such a message.
    """
    return _restored(_client_decoder.decode(body), body)


def decode_server(body: bytes) -> ServerMessage:
    """Return the server's message in the body of a frame.

    Raises:
        msgspec.DecodeError: The body is not such a message.
    """
    return _restored(_server_decoder.decode(body), body)


def _any_text(message: ClientMessage | ServerMessage) -> Any:
    """Return plain values that encode as ``message``, its texts as they are carried."""
    return carried(msgspec.to_builtins(message, builtin_types=(bytes,)))


def _restored(message: _Message, body: bytes) -> _Message:
    """Return a message with its texts as they were before they were carried."""
    if isinstance(message, Telemetry | Still) or SIGN not in body:
        return message
    plain = msgspec.to_builtins(message, builtin_types=(bytes,))
    return msgspec.convert(restored(plain), type(message))
