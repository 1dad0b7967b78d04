"""Addresses, the person's yes, and keys."""

import sys
from types import SimpleNamespace

import pytest

from engine.errors import ModelError
from engine.remote_host import agree, agreed, is_remote, remote_access, remote_address

MODEL = "openai:http://example.org:8000/v1#Qwen/Qwen2.5-Coder-7B"


@pytest.fixture(autouse=True)
def own_state(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path))
    for name in ("SPARK_REMOTE_KEY", "SPARK_REMOTE_YES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "keyring", None)  # not installed


def test_the_parts_of_an_address():
    address = remote_address(MODEL)
    assert (address.host, address.port, address.path) == ("example.org", 8000, "/v1")
    assert (address.model, address.origin) == ("Qwen/Qwen2.5-Coder-7B", "http://example.org:8000")
    assert not address.encrypted
    assert remote_address("openai:https://x.org/v1/#m").origin == "https://x.org:443"
    assert remote_address("openai:http://[::1]:9/v1#m").place == "[::1]:9"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_this_computer_needs_no_encryption(host):
    assert remote_address(f"openai:http://{host}:1/v1#m").encrypted


@pytest.mark.parametrize(
    "text",
    [
        "openai:",
        "openai:http://h:1/v1",
        "openai:http://h:1/v1#",
        "openai:ftp://h/v1#m",
        "openai:http://h:99999/v1#m",
        "openai:http:///v1#m",
        "openai:http://h/v1?key=1#m",
        "openai:http://h/v1#a b",
        "openai:http://h/v1#a\nb",
        "openai:http://[/v1#m",
        "openai:http://h/v1#" + "m" * 3000,
        "http://h/v1#m",
    ],
)
def test_what_is_no_address_is_refused_with_the_form(text):
    with pytest.raises(ModelError, match=r"openai:http://HOST:PORT/v1#NAME|at most"):
        remote_address(text)


def test_a_password_is_refused_and_not_repeated():
    for text in ("openai:http://me:hunter2@h:1/v1#m", "openai:http://me:hunter2@h:bad/v1#m"):
        with pytest.raises(ModelError) as error:
            remote_address(text)
        assert "hunter2" not in str(error.value)


def test_a_yes_is_kept_for_its_host_alone():
    assert not agreed(remote_address(MODEL))
    agree(remote_address(MODEL))
    assert agreed(remote_address("openai:http://example.org:8000/other#m"))
    assert not agreed(remote_address("openai:https://example.org:8000/v1#m"))
    assert not agreed(remote_address("openai:http://example.org:8001/v1#m"))


def test_the_environment_agrees_for_once(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARK_REMOTE_YES", "1")
    assert agreed(remote_address(MODEL))
    assert not list(tmp_path.iterdir())


def test_a_note_that_is_none_agrees_to_nothing(tmp_path):
    (tmp_path / "remote_hosts.json").write_text('{"http://example.org:8000": true}')
    assert not agreed(remote_address(MODEL))


def test_the_key_of_the_environment_comes_before_the_keyrings(monkeypatch):
    asked = []

    def password(service, name):
        asked.append((service, name))
        return "from the keyring"

    monkeypatch.setitem(sys.modules, "keyring", SimpleNamespace(get_password=password))
    assert remote_access(MODEL).key == ""  # nobody agreed: it is not even looked for
    assert asked == []
    agree(remote_address(MODEL))
    assert remote_access(MODEL).key == "from the keyring"
    assert asked == [("spark-tui", "http://example.org:8000")]
    monkeypatch.setenv("SPARK_REMOTE_KEY", "from the environment\n")
    assert remote_access(MODEL).key == "from the environment"


def test_without_a_keyring_there_is_no_key():
    agree(remote_address(MODEL))
    assert remote_access(MODEL).key == ""


def test_only_addresses_are_remote():
    assert is_remote(MODEL)
    assert not any(map(is_remote, (None, "", "spark-nano", "./openai.gguf")))
