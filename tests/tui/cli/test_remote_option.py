"""`--model openai:…` in the commands: before anything is sent, a yes that is kept, or for once."""

import pytest

from engine.remote_host import agreed, remote_address
from engine.remote_host.access import KEY_VARIABLE
from engine.remote_host.consent import VARIABLE

MODEL = "openai:http://example.org:8000/v1#big"


@pytest.fixture(autouse=True)
def nobody_agreed(monkeypatch, tmp_path):
    monkeypatch.setenv("SPARK_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def place(tmp_path):
    file = tmp_path / "a.py"
    file.write_text("x = 1\n")
    return f"{file}:1"


def test_without_a_yes_nothing_is_opened(spark, session, place):
    outcome = spark("complete", place, "--model", MODEL)
    assert outcome.code == 2
    assert "would go to http://example.org:8000, and anyone on the way can read it" in outcome.err
    assert "--yes" in outcome.err
    assert session.opened == []


def test_a_yes_is_kept(spark, session, place):
    assert spark("complete", place, "--model", MODEL, "--yes").code == 0
    assert agreed(remote_address(MODEL))
    assert spark("complete", place, "--model", MODEL).code == 0
    assert [each["model"] for each in session.opened] == [MODEL, MODEL]


def test_the_environment_agrees_for_once(spark, session, place, monkeypatch):
    monkeypatch.setenv(VARIABLE, "1")
    assert spark("edit", f"{place}-1", "--instruction", "rename", "--model", MODEL).code in (0, 1)
    monkeypatch.delenv(VARIABLE)
    assert not agreed(remote_address(MODEL))
    assert spark("ask", "why?", "--model", MODEL).code == 2


def test_what_runs_on_the_wafer_takes_a_model_on_this_computer(spark):
    outcome = spark("wafer", "plan", "--model", MODEL)
    assert outcome.code == 2
    assert "takes a model on this computer" in outcome.err


def test_a_form_that_is_none_is_told(spark, place):
    outcome = spark("complete", place, "--model", "openai:nonsense")
    assert outcome.code == 2
    assert "openai:http://HOST:PORT/v1#NAME" in outcome.err
