"""The X-ray of a completion: its figures are the completion's own, the trace's and the text's."""

from collections import Counter

import numpy as np
import pytest

from engine.completion.answers.answer_record import KEPT_ANSWERS
from engine.errors import EngineError
from engine.protocol.completion import CompletionRequest
from engine.protocol.messages import AnswerXray, Compare, LookInto
from engine.server.connection import look_into
from engine.session import Session
from engine.wafer.trace.collect import collect
from tests.tiny import write_tiny_model

REQUEST = CompletionRequest(path="a.txt", prefix="def first(", suffix="\n", max_tokens=6)


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = write_tiny_model(tmp_path_factory.mktemp("models") / "tiny", seed=1)
    opened = Session.open(str(folder), "tiny", threads=1)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def answered(session):
    completion = session.complete(REQUEST)
    return completion, session.looks.xray(completion.answer)


def test_cycles_add_up_to_those_of_the_completion(answered):
    completion, xray = answered
    decoded = [step for step in xray.steps if step.decode]
    assert decoded, "the tiny model's text is one token long"
    assert sum(step.cycles for step in decoded) / sum(step.used for step in decoded) == (
        completion.wafer.cycles_per_token
    )
    assert (
        sum(step.cycles for step in xray.steps if not step.decode)
        == completion.wafer.cycles_prefill
    )
    for step in xray.steps:
        assert sum(step.cycles_by_operation.values()) == step.cycles
        assert step.visits[-1].end == step.cycles
        assert all(a.end == b.begin for a, b in zip(step.visits, step.visits[1:], strict=False))


def test_cycles_of_a_token_are_those_of_a_trace_at_its_position(session):
    """From an empty cache on both sides: a trace begins there."""
    trace = collect(session._placed, {}, tier="fast", tokens=3)
    for step in trace.steps:
        seen = session.looks._xray.step(_decode(step.position))
        assert seen.cycles == step.cycles
        by_operation = Counter()
        names = [op.name.lower() for op in _operations(session)]
        for name, moved in zip(names, step.moved.tolist(), strict=True):
            by_operation[name] += moved
        assert seen.cycles_by_operation == {k: n for k, n in by_operation.items() if n}


def _decode(position):
    from engine.wafer.xray.step_xray import StepShape

    return StepShape(position, 1, 1)


def _operations(session):
    from engine.wafer.program.isa import Field, Op

    return [Op(number) for number in session._placed.program.instructions[:, Field.OP]]


def test_states_of_all_cores_add_up_to_the_time_of_the_step(answered, session):
    _, xray = answered
    for step in xray.steps:
        for region, states in zip(session.machine.regions, step.states_by_region, strict=True):
            assert sum(states) == step.cycles * region.width * region.height


def test_tokens_say_the_text_and_how_likely_they_were(answered):
    completion, xray = answered
    said = "".join(xray.text[token.start : token.end] for token in xray.tokens)
    assert said == xray.text == completion.text
    likely = {token.end: token.probability for token in xray.tokens if token.end > token.start}
    for end, probability in completion.likelihoods:
        assert likely[end] == pytest.approx(probability)
    for token in xray.tokens:
        chances = [chance for _, chance in token.others]
        assert chances == sorted(chances, reverse=True)
        assert len(chances) == 3
        assert token.probability >= chances[0]  # the likeliest is taken at temperature 0
        assert token.probability + sum(chances) <= 1 + 1e-9


def test_a_token_belongs_to_the_step_and_the_row_that_it_was_chosen_from(answered):
    completion, xray = answered
    chosen = Counter(token.step for token in xray.tokens)
    assert all(chosen[number] <= step.used for number, step in enumerate(xray.steps))
    positions = [token.position for token in xray.tokens]
    assert positions == list(range(positions[0], positions[0] + len(positions)))
    assert positions[0] == completion.prompt_tokens - 1


def test_a_wave_ends_with_its_token_and_stays_on_the_wafer(answered, session):
    completion, xray = answered
    for number, token in enumerate(xray.tokens):
        wave = session.looks.wave(completion.answer, number)
        assert wave.position == token.position
        step = session.looks._xray.step(_decode(token.position))
        assert wave.cycles == step.cycles == step.visits[-1].end
        bands = wave.bands
        begin, end = np.array(bands.begin), np.array(bands.end)
        assert (begin >= 0).all()
        assert (end > begin).all()
        corners = zip(bands.x, bands.y, bands.width, bands.height, strict=True)
        assert all(_inside_a_region(corner, session.machine.regions) for corner in corners)


def test_a_message_gets_what_the_session_says(answered, session):
    completion, xray = answered
    assert look_into(session, LookInto(1, 8, completion.answer)) == AnswerXray(8, xray)
    told = look_into(session, LookInto(1, 9, completion.answer, token=1))
    assert (told.request_id, told.answer, told.token) == (9, completion.answer, 1)
    assert told.wave == session.looks.wave(completion.answer, 1)


def test_beside_peers_stand_the_cycles_and_the_rate_of_this_session(answered, session):
    told = look_into(session, Compare(1, 10), 0.425)
    found, position = told.comparison, session.snapshot().position
    wafer, here, *peers = found.peers
    assert told.request_id == 10
    assert wafer.tokens_per_second == pytest.approx(
        0.425e9 / session.looks._xray.step(_decode(position)).cycles
    )
    work = session.snapshot().work
    assert here.tokens_per_second == work.decode_tokens / work.decode_seconds
    assert found.position == position
    assert len(peers) >= 6


def _inside_a_region(corner, regions):
    x, y, width, height = corner
    return any(
        r.x <= x and x + width <= r.x + r.width and r.y <= y and y + height <= r.y + r.height
        for r in regions
    )


def test_old_answers_are_forgotten_and_the_error_says_so(session):
    first = session.complete(REQUEST).answer
    for _ in range(KEPT_ANSWERS):
        last = session.complete(REQUEST).answer
    assert last == first + KEPT_ANSWERS
    assert (
        session.looks.xray(last).answer == session.looks.xray(0).answer == last
    )  # 0 is the newest
    with pytest.raises(EngineError, match=f"answer {first} is forgotten: the last 16 are kept"):
        session.looks.xray(first)
    with pytest.raises(EngineError, match="none is 99"):
        session.looks.wave(last, 99)
