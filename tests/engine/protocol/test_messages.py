"""Every message survives the wire, and carries the one request and the one result as they are."""

import json

import msgspec
import pytest

from engine.protocol.asking import AskReply, AskRequest, AskTurn, Reading, ReadPart
from engine.protocol.completion import (
    Completion,
    CompletionRequest,
    HostStats,
    RepositoryStats,
    WaferStats,
)
from engine.protocol.editing import Edit, EditRequest, EditTurn
from engine.protocol.framing import HEADER_BYTES
from engine.protocol.messages import (
    Answered,
    AnswerReading,
    AnswerWave,
    AnswerXray,
    Ask,
    Cancel,
    Compare,
    Compared,
    Complete,
    Completed,
    EngineReady,
    Failed,
    LookInto,
    MachineInfo,
    ModelInfo,
    OpenSession,
    OtherText,
    PartialText,
    Progress,
    Rewrite,
    Rewritten,
    SessionFailed,
    Shutdown,
    Simulating,
    Unwatch,
    Watch,
    WatchedCores,
    WeightType,
    Welcome,
    decode_client,
    decode_server,
    encode,
)
from engine.protocol.peers import PeerComparison, PeerFigures
from engine.protocol.xray import StreamVisit, TokenWave, WaveBands, Xray, XrayStep, XrayToken

REQUEST = CompletionRequest(
    path="a/b.py",
    prefix="x = 'é\x00",
    suffix="\n",
    max_tokens=7,
    temperature=0.5,
    top_k=3,
    top_p=0.9,
    seed=2**62,
    multi_line=False,
    repository="/r",
    private_patterns=("*.key", "private/"),
)
STEP = XrayStep(
    40, 3, 3, 2, True, 12.5, 99, 700, {"matmul": 500, "add": 200}, [StreamVisit(1, 0, 700)],
    [[1, 2, 3, 4, 5, 6]], 9, 80, 160, 64, 32, (0.1, 0.2, 0.3),
)  # fmt: skip
TOKEN = XrayToken("x", 0, 1, 0, 2, 42, 0.5, [("\x1b", 0.25)], 350.0)
XRAY = Xray(7, "x", "spark-nano", "wse3", 0.85, "0123", ["layer 0", "head"], [TOKEN], [STEP])
PEER = PeerFigures("x", "published", None, 9, None, None, "too large", "me")
WAVE = TokenWave("formulas", 42, 700, ["matmul"], WaveBands([1], [2], [3], [4], [0], [9], [0]))
COMPLETION = Completion(
    text="1",
    finish_reason="stop",
    model="spark-nano",
    prompt_tokens=5,
    cached_tokens=4,
    completion_tokens=1,
    host=HostStats(1.5, 2.5, 1.75, None),
    wafer=WaferStats("wse3", 0.85, "5ac1", 12, 900, 80.5, 1e4, 0.05, 31_000),
    repository=RepositoryStats(3, 400, 0.25, 0.5),
    mean_logprob=-0.125,
    shown=False,
    likelihoods=[(1, 0.875)],
    held_back="it repeats the lines below",
)
EDIT_REQUEST = EditRequest(
    "a/b.py", "x = 'é\x00\n", 1, 1, "Do it.", (EditTurn("Do it so.", "x = 1"),), ("*.key",), "/r"
)
PART = ReadPart("a/b.py", 1, 3, "selected")
ASK_REQUEST = AskRequest("é?", "a/b.py", "x\0", earlier=(AskTurn("q", "a", "said"),))
REPLY = AskReply(
    "yes", "stop", "said", 1, (PART,), (), "m", 5, 4, 2, COMPLETION.host, COMPLETION.wafer
)
EDIT = Edit("x", "no", None, "m", 5, 2, COMPLETION.host, COMPLETION.wafer)


@pytest.mark.parametrize(
    "message",
    [
        Complete(1, 3, REQUEST, False, -0.5, 3),
        Rewrite(1, 4, EDIT_REQUEST),
        Ask(1, 5, ASK_REQUEST),
        Cancel(3),
        Watch(1, 100),
        Watch(1, 100, WatchedCores(0, 1, 90, 60, 30, 20)),
        Unwatch(1),
        LookInto(1, 3, 7),
        Compare(1, 4),
        LookInto(1, 3, 7, token=2, simulate=True),
        Shutdown(),
    ],
)
def test_a_clients_message_arrives_as_it_was(message):
    assert decode_client(encode(message)[HEADER_BYTES:]) == message


ODD = [
    "name\udcff",
    "\ud800",
    "\ufdd0",
    "\ufdd0d800",
    "\ufdd0\ud800\udfff\ufdd0fdd0",
    "\U0010ffff\x00\x9b",
]


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_any_text_arrives_as_it_was(text):
    asked = OpenSession(1, f"/models/{text}")
    request = msgspec.structs.replace(
        REQUEST, path=text, prefix=text, repository=f"/r/{text}", private_patterns=(text, "x")
    )
    for message in (asked, Complete(1, 2, request)):
        assert decode_client(encode(message)[HEADER_BYTES:]) == message
    answer = msgspec.structs.replace(COMPLETION, text=text, model=text)
    info = ModelInfo(text, text, 1, 1, 1, 1, 1, "any", 1, True, types={text: WeightType(1, 2)})
    ready = EngineReady(info, MachineInfo("wse3", 0.85, 1, 1, 1, "5ac1", 1, []), 1, "avx2", 0.5)
    for message in (SessionFailed(1, text), Failed(2, text), Completed(2, answer), ready):
        assert decode_server(encode(message)[HEADER_BYTES:]) == message


def test_ordinary_messages_are_not_walked(monkeypatch):
    monkeypatch.setattr("engine.protocol.messages.carried", None)
    monkeypatch.setattr("engine.protocol.messages.restored", None)
    message = Complete(1, 3, REQUEST)
    assert decode_client(encode(message)[HEADER_BYTES:]) == message


def test_a_message_with_the_sign_and_no_sense_is_refused():
    body = msgspec.msgpack.encode({"type": "OpenSession", "session": 1, "model": "\ufdd0zzzz"})
    assert decode_client(body).model == "\ufdd0zzzz"
    with pytest.raises(msgspec.ValidationError):
        decode_client(msgspec.msgpack.encode({"type": "OpenSession", "session": "\ufdd0d800"}))


@pytest.mark.parametrize(
    "message",
    [
        Completed(3, COMPLETION, "<|fim_prefix|>x ="),
        OtherText(3, "2", -0.5, [(1, 0.625)]),
        Rewritten(3, EDIT),
        AnswerReading(3, Reading((PART,), ("b.py: no room",), 7)),
        Answered(3, REPLY),
        AnswerXray(3, XRAY),
        AnswerWave(3, 7, 2, WAVE),
        Compared(4, PeerComparison("m", "wse3", 0.85, 256, 9, 1, 7, [PEER])),
        Simulating(3, 10, 700, "simulating"),
        Failed(3, "no"),
        PartialText(3, "é"),
        Progress("model", 0, 1, "reading"),
        Welcome(1, 2, "3"),
    ],
)
def test_a_servers_message_arrives_as_it_was(message):
    assert decode_server(encode(message)[HEADER_BYTES:]) == message


def test_the_length_stands_in_front():
    frame = encode(Cancel(3))
    assert int.from_bytes(frame[:HEADER_BYTES], "big") == len(frame) - HEADER_BYTES


def test_each_end_refuses_what_only_the_other_says():
    with pytest.raises(msgspec.ValidationError):
        decode_client(encode(Completed(3, COMPLETION))[HEADER_BYTES:])
    with pytest.raises(msgspec.ValidationError):
        decode_server(encode(Complete(1, 3, REQUEST))[HEADER_BYTES:])


def test_a_completion_is_its_own_json():
    plain = json.loads(json.dumps(msgspec.to_builtins(COMPLETION)))
    assert list(plain) == [
        "text",
        "finish_reason",
        "model",
        "prompt_tokens",
        "cached_tokens",
        "completion_tokens",
        "host",
        "wafer",
        "repository",
        "mean_logprob",
        "shown",
        "likelihoods",
        "held_back",
        "answer",
    ]
    assert list(plain["repository"]) == [
        *("files", "tokens", "changed", "mean_weight", "left_out"),
    ]
    assert plain["host"]["tokens_per_second"] is None
    assert plain["likelihoods"] == [[1, 0.875]]
    assert msgspec.convert(plain, Completion) == COMPLETION
