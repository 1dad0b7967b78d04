"""Suggestions, edits and answers from another engine, held to the rules of our own."""

import subprocess
import threading

import msgspec
import pytest

from engine.errors import EngineError, PromptError, ServerError
from engine.protocol.asking import AskRequest, AskTurn
from engine.protocol.completion import CompletionRequest, TextChunk
from engine.protocol.editing import EditRequest
from engine.remote import RemoteSession
from engine.remote.remote_rewriter import NO_BLOCK
from engine.remote_host import RemoteAccess
from tests.engine.remote.other_engine import AGREED, MODEL, running

PREFIX = 'def area(width, height):\n    """Return it."""\n    '
REQUEST = CompletionRequest("a.py", PREFIX, "\n\n\nprint(area(3, 4))\n")
EDIT = EditRequest("a.py", "x = 1\ny = 2\n", 1, 1, "name it z")


def opened(engine, access=AGREED):
    return RemoteSession.open(engine.model, access=access)


# ── before anything is sent ─────────────────────────────────────────────────────────────────


def test_nothing_goes_to_a_host_nobody_agreed_to():
    with running() as engine:
        with pytest.raises(ServerError, match=r"nobody agreed yet .* --yes agrees"):
            opened(engine, RemoteAccess())
        assert engine.asked == []


def test_private_files_are_never_sent():
    with running() as engine:
        session = opened(engine)
        with pytest.raises(PromptError, match="private"):
            session.complete(msgspec.structs.replace(REQUEST, path=".env"))
        with pytest.raises(PromptError, match="private"):
            session.rewrite(msgspec.structs.replace(EDIT, path="keys/id_rsa"))
        session.ask(AskRequest("what?", ".env", "TOKEN=abc123\n"))
        assert all("abc123" not in str(body) for body in engine.texts)
        assert len(engine.texts) == 1  # the question alone


def test_files_that_git_ignores_are_never_sent(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / ".gitignore").write_text("build/\n")
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "a.py").write_text(PREFIX)
    with running() as engine:
        session = opened(engine)
        ignored = msgspec.structs.replace(REQUEST, path="build/a.py", root=str(tmp_path))
        with pytest.raises(PromptError, match="ignored by git"):
            session.complete(ignored)
        with pytest.raises(PromptError, match="ignored by git"):
            session.rewrite(
                msgspec.structs.replace(EDIT, path="build/a.py", repository=str(tmp_path))
            )
        assert engine.texts == []


def test_chunks_of_private_files_are_left_out():
    chunks = (TextChunk(".env", "TOKEN=abc123"), TextChunk("b.py", "z = 1"))
    with running(infill=True) as engine:
        opened(engine).complete(msgspec.structs.replace(REQUEST, chunks=chunks))
        assert [each["filename"] for each in engine.texts[0]["input_extra"]] == ["b.py"]


# ── suggestions ─────────────────────────────────────────────────────────────────────────────


def test_a_suggestion_is_streamed_trimmed_and_counted():
    heard, prompts = [], []
    with running(markers=True) as engine:
        session = opened(engine)
        done = session.complete(REQUEST, on_text=heard.append, on_prompt=prompts.append)
    assert done.text == "return width * height"
    assert done.model == MODEL
    assert heard[:3] == ["return", "return width", "return width * height"]
    assert (done.completion_tokens, done.finish_reason) == (7, "stop")
    assert done.prompt_tokens > 10
    assert done.wafer is None
    assert done.mean_logprob is None
    assert prompts[0].startswith("<|file_sep|>a.py\n<|fim_prefix|>def area")
    assert engine.texts[0]["temperature"] == 0


def test_the_text_ends_where_our_rules_end_it_and_the_server_hears_so():
    with running(pieces=["1\n", "more\n"] * 50, wait=threading.Event()) as engine:
        one_line = msgspec.structs.replace(REQUEST, prefix="x = ", suffix=" + 2\n")
        done = opened(engine).complete(one_line)
        assert done.text == "1"
        assert engine.gone.wait(5)  # it was not waited for


def test_python_that_cannot_stand_there_is_not_shown():
    with running(pieces=["return return (", "\n"]) as engine:
        done = opened(engine).complete(REQUEST)
    assert (done.text, done.shown) == ("", False)
    assert done.held_back


def test_a_cancelled_request_ends_at_once_and_the_next_one_is_served():
    stop = threading.Event()
    with running(pieces=["return", " width"], wait=threading.Event()) as engine:
        session = opened(engine)

        def heard(text):
            stop.set()
            threading.Thread(target=session.interrupt).start()

        done = session.complete(REQUEST, on_text=heard, cancelled=stop.is_set)
        assert (done.text, done.finish_reason) == ("return", "cancelled")
        assert engine.gone.wait(5)
        engine.wait.set()
        assert session.complete(REQUEST).text == "return width"


def test_an_interrupt_that_means_another_request_changes_nothing():
    with running() as engine:
        session = opened(engine)
        done = session.complete(REQUEST, on_text=lambda text: session.interrupt())
    assert done.text == "return width * height"


def test_an_error_in_the_stream_is_one_line():
    with running(error={"error": {"message": "out of\nmemory"}}) as engine:
        session = opened(engine)
        with pytest.raises(ServerError, match=r"^the server broke off: out of memory$"):
            session.complete(REQUEST)
        engine.error = None
        assert session.complete(REQUEST).text  # the session goes on


def test_a_server_that_only_converses_completes_nothing():
    with running(completes=False) as engine:
        session = opened(engine)
        assert not session.model.fill_in_the_middle
        with pytest.raises(PromptError, match="only answers"):
            session.complete(REQUEST)


def test_without_a_count_the_events_are_counted():
    with running(usage=False) as engine:
        done = opened(engine).complete(REQUEST)
    assert done.completion_tokens == 4
    assert done.prompt_tokens > 10


# ── edits ───────────────────────────────────────────────────────────────────────────────────


def test_an_edit_is_the_block_of_the_answer_and_is_streamed():
    heard = []
    pieces = ["Sure:\n\n", "```py", "thon\nz =", " 1\n", "```", "\nDone."]
    with running(pieces=pieces) as engine:
        done = opened(engine).rewrite(EDIT, on_text=heard.append)
        assert "Rewrite these lines" in engine.texts[0]["messages"][1]["content"]
    assert (done.text, done.refused, done.parses) == ("z = 1", None, True)
    assert "z =" in heard


def test_talk_without_a_block_is_refused_and_changes_nothing():
    with running(pieces=["I cannot do that."]) as engine:
        done = opened(engine).rewrite(EDIT)
    assert (done.text, done.refused) == ("x = 1", NO_BLOCK)


def test_an_edit_that_python_cannot_read_goes_back_once():
    with running(pieces=["```\nz = = 1\n```"]) as engine:
        done = opened(engine).rewrite(EDIT)
        assert len(engine.texts) == 2
        assert "Python cannot read that" in engine.texts[1]["messages"][-1]["content"]
    assert done.refused
    assert done.completion_tokens >= 1


def test_editing_takes_a_model_that_converses():
    with running(chats=False) as engine:
        session = opened(engine)
        assert not session.model.follows_instructions
        with pytest.raises(PromptError, match="only completes"):
            session.rewrite(EDIT)
        with pytest.raises(PromptError, match="only completes"):
            session.ask(AskRequest("why?"))


# ── answers ─────────────────────────────────────────────────────────────────────────────────


def test_an_answer_is_streamed_with_what_was_read_and_goes_on():
    heard, readings = [], []
    with running(pieces=["It is", " an area."]) as engine:
        session = opened(engine)
        asked = AskRequest("What is it?", "a.py", PREFIX + "return 1\n", line=1)
        reply = session.ask(asked, on_text=heard.append, on_reading=readings.append)
        turn = AskTurn("What is it?", reply.text, reply.asked)
        session.ask(msgspec.structs.replace(asked, question="Why?", earlier=(turn,)))
        roles = [turn["role"] for turn in engine.texts[1]["messages"]]
    assert reply.text == "It is an area."
    assert heard == ["It is", "It is an area."]
    assert readings[0].parts[0].path == "a.py"
    assert roles == ["system", "user", "assistant", "user"]


# ── state ───────────────────────────────────────────────────────────────────────────────────


def test_the_panes_get_rates_and_no_cycles():
    with running() as engine:
        session = opened(engine)
        before = session.snapshot()
        session.complete(REQUEST)
        told = session.telemetry(1, before, session.snapshot(), session.view(None))
    assert session.model.remote == f"127.0.0.1:{engine.port}"
    assert session.machine.regions == []
    assert told.throughput.prefill_tokens > 0
    assert told.throughput.decode_tokens == 6  # the first token is prefill's
    assert told.throughput.wafer_decode_cycles_per_token is None
    assert told.elapsed_cycles == 0
    assert told.states_by_region == []


def test_a_closed_session_serves_nothing():
    with running() as engine:
        session = opened(engine)
        session.close()
        with pytest.raises(EngineError, match="closed"):
            session.complete(REQUEST)


def test_a_key_stays_out_of_words():
    access = RemoteAccess(agreed=True, key="sk-secret")
    assert "secret" not in repr(access)
    with running(key="sk-secret") as engine:
        assert opened(engine, access).complete(REQUEST).text


def test_questions_about_cores_are_refused_in_one_line():
    with running() as engine:
        session = opened(engine)
        for ask in (
            lambda: session.looks,
            lambda: session.wafer,
            lambda: session.beside_peers(None),
        ):
            with pytest.raises(EngineError, match="is remote"):
                ask()
