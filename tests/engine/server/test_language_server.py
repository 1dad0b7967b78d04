"""The language server: what it asks the engine, what an editor gets, over real pipes at the end."""

import asyncio
import json
import os
import sys
from contextlib import asynccontextmanager
from urllib.parse import quote

import pytest

from engine.errors import PromptError
from engine.server.language_server import LanguageOptions, OpenPlace, Suggester
from tests.engine.server.http.fakes import FakeDispatcher

SERVE = """
import sys
from engine.server.dispatcher import Dispatcher
from engine.server.replica import EngineReplica
from engine.server.language_server import LanguageOptions, serve
canned = (sys.executable, "-m", "tests.canned", "--idle", "1")
serve(Dispatcher(EngineReplica(command=canned)), LanguageOptions())
"""


def cursor(path, before="def f():\n    ", after="\n"):
    return OpenPlace(path.as_uri(), before, after)


async def suggested(engine, where, *, automatic=True, **options):
    suggester = Suggester(engine, LanguageOptions(**options))
    return await suggester.suggest("inline", where, automatic=automatic)


async def test_the_request_is_the_one_of_the_app(tmp_path):
    (tmp_path / ".git").mkdir()
    engine = FakeDispatcher("return 1")
    path = tmp_path / "package" / "a b.py"
    assert await suggested(engine, cursor(path), private_patterns=("x",)) == "return 1"
    (asked,) = engine.asked
    assert (asked.path, asked.repository) == ("package/a b.py", str(tmp_path))
    assert (asked.prefix, asked.suffix) == ("def f():\n    ", "\n")
    assert asked.private_patterns == ("x",)
    await suggested(engine, cursor(path), repository=False)
    assert engine.asked[1].repository is None


async def test_a_private_file_is_never_asked_about(tmp_path):
    engine = FakeDispatcher("secret")
    assert await suggested(engine, cursor(tmp_path / ".env")) == ""
    secret = tmp_path / "server.key"
    secret.write_text("key")
    (tmp_path / "notes.py").symlink_to(secret)
    assert await suggested(engine, cursor(tmp_path / "notes.py")) == ""
    assert engine.asked == []


async def test_a_document_without_a_file_has_no_repository():
    engine = FakeDispatcher("1")
    assert await suggested(engine, OpenPlace("untitled:Untitled-1", "x = ", "")) == "1"
    assert (engine.asked[0].path, engine.asked[0].repository) == ("", None)


async def test_a_newer_request_of_the_same_kind_cancels_the_older(tmp_path):
    engine = FakeDispatcher("1", step=asyncio.Event())
    suggester = Suggester(engine, LanguageOptions())
    where = cursor(tmp_path / "a.py")
    older = asyncio.create_task(suggester.suggest("inline", where, automatic=True))
    while not engine.asked:
        await asyncio.sleep(0)
    newer = asyncio.create_task(suggester.suggest("inline", where, automatic=True))
    other = asyncio.create_task(suggester.suggest("list", where, automatic=True))
    await asyncio.wait({older}, timeout=1)
    assert older.cancelled()
    engine.step.set()
    assert [await newer, await other] == ["1", "1"]


@pytest.mark.parametrize("error", [PromptError("no room")])
async def test_what_the_engine_refuses_is_no_suggestion(tmp_path, error):
    engine = FakeDispatcher("1")
    engine.error = error
    assert await suggested(engine, cursor(tmp_path / "a.py")) == ""
    assert await suggested(FakeDispatcher(ready=False), cursor(tmp_path / "a.py")) == ""


class Editor:
    """An editor at the other end of the pipes."""

    def __init__(self, process):
        self.process = process
        self.told = []
        self._number = 0

    def send(self, method, params=None, number=None):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        if number is not None:
            message["id"] = number
        self._write(message)

    def _write(self, message):
        body = json.dumps(message).encode()
        self.process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def asked(self, method, params=None):
        """The answer to a request, with its error if it has one."""
        self._number += 1
        self.send(method, params, self._number)
        return await self.answer(self._number)

    async def answer(self, number):
        async with asyncio.timeout(20):
            while True:
                message = await self._read()
                if message.get("id") == number and "method" not in message:
                    return message
                self.told.append(message)
                if "id" in message:
                    self._write({"jsonrpc": "2.0", "id": message["id"], "result": None})

    async def _read(self):
        head = (await self.process.stdout.readuntil(b"\r\n\r\n")).decode()
        length = int(head.lower().split("content-length:")[1].split()[0])
        return json.loads(await self.process.stdout.readexactly(length))


@asynccontextmanager
async def editor():
    pipe = asyncio.subprocess.PIPE
    command = (sys.executable, "-c", SERVE)
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    try:
        yield Editor(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        process._transport.close()


async def opened(face, document, text, capabilities):
    """Begin with one document, and return what the server can do."""
    options = {"processId": None, "rootUri": None, "capabilities": capabilities}
    can = (await face.asked("initialize", options))["result"]["capabilities"]
    face.send("initialized", {})
    item = {**document, "languageId": "python", "version": 1, "text": text}
    face.send("textDocument/didOpen", {"textDocument": item})
    return can


async def test_an_editor_gets_ghost_text_and_an_entry_and_ends_it(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNED_TEXT", "value")
    document = {"uri": (tmp_path / "a.py").as_uri()}
    text = 'def f(value):\n    x = "𝄞" + \n'  # a sign of two units before the cursor
    at = {"line": 1, "character": 15}
    where = {"textDocument": document, "position": at}
    async with editor() as face, asyncio.timeout(25):
        can = await opened(face, document, text, {"window": {"workDoneProgress": True}})
        assert {"inlineCompletionProvider", "completionProvider"} <= set(can)
        assert can.get("positionEncoding", "utf-16") == "utf-16"
        method, invoked = "textDocument/inlineCompletion", {"triggerKind": 1}
        items = []
        while not items:  # until the engine is ready
            answer = await face.asked(method, {**where, "context": invoked})
            items = answer["result"]["items"]
            await asyncio.sleep(0.02)
        assert items == [{"insertText": "value", "range": {"start": at, "end": at}}]
        span = {"start": {"line": 1, "character": 4}, "end": at}
        chosen = {"range": span, "text": "y = 1 + "}
        both = {"triggerKind": 1, "selectedCompletionInfo": chosen}
        answer = await face.asked(method, {**where, "context": both})
        assert answer["result"]["items"] == [{"insertText": "y = 1 + value", "range": span}]
        (entry,) = (await face.asked("textDocument/completion", where))["result"]["items"]
        assert entry["textEdit"] == {"newText": "value", "range": {"start": at, "end": at}}
        progress = [each for each in face.told if each["method"] == "$/progress"]
        kinds = [each["params"]["value"]["kind"] for each in progress]
        assert (kinds[0], kinds[-1]) == ("begin", "end")
        assert (await face.asked("shutdown")).get("result") is None
        face.send("exit")
        assert await face.process.wait() == 0


async def test_a_request_that_an_editor_cancels_ends(tmp_path, monkeypatch):
    monkeypatch.setenv("CANNED_STEP_SECONDS", "0.2")
    document = {"uri": (tmp_path / "a.py").as_uri()}
    where = {"textDocument": document, "position": {"line": 0, "character": 4}}
    async with editor() as face, asyncio.timeout(30):
        await opened(face, document, "x = ", {})
        asking = {**where, "context": {"triggerKind": 1}}
        for number in range(100, 1000):
            face.send("textDocument/inlineCompletion", asking, number)
            await asyncio.sleep(0.05)
            face.send("$/cancelRequest", {"id": number})
            answer = await face.answer(number)
            if "error" in answer:  # before the engine is ready there is an answer at once
                break
        assert answer["error"]["code"] == -32800  # cancelled
        face.process.stdin.close()  # the editor is gone
        async with asyncio.timeout(10):
            await face.process.wait()


async def test_a_document_that_is_not_open_is_never_read(tmp_path):
    """It could be private, endless, or a pipe that nobody writes."""
    os.mkfifo(tmp_path / "pipe.py")
    (tmp_path / "zero.py").symlink_to("/dev/zero")
    names = ["pipe.py", "zero.py", "gone.py", "a\0b.py", "\ud800.py"]
    async with editor() as face, asyncio.timeout(25):
        await opened(face, {"uri": (tmp_path / "a.py").as_uri()}, "x = 1", {})
        for name in names:
            uri = f"{tmp_path.as_uri()}/{quote(os.fsencode(name))}" if name.isascii() else name
            where = {"textDocument": {"uri": uri}, "position": {"line": 0, "character": 0}}
            for method in ("textDocument/inlineCompletion", "textDocument/completion"):
                answer = await face.asked(method, {**where, "context": {"triggerKind": 1}})
                assert answer["result"]["items"] == [], name


async def test_any_message_is_survived(tmp_path):
    document = {"uri": (tmp_path / "a.py").as_uri()}
    where = {"textDocument": document, "position": {"line": 2**31 - 1, "character": 2**31 - 1}}
    async with editor() as face, asyncio.timeout(25):
        await opened(face, document, "x = \ud800", {})
        asking = {**where, "context": {"triggerKind": 1}}
        deep = b"[" * 100_000 + b"]" * 100_000
        for body in (b"{", b"[]", b"1", b"\xff", b'{"jsonrpc": "2.0"}', b"null", deep):
            face.process.stdin.write(b"Content-Length: %d\r\n\r\n" % len(body) + body)
        face.send("textDocument/didChange", {"textDocument": document, "contentChanges": []})
        face.send("no/such", {}, 7)
        answer = await face.asked("textDocument/inlineCompletion", asking)
        assert "error" in answer or answer["result"]["items"] == []
