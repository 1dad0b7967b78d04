"""X-rays asked of an engine process: what is not there, and what goes wrong, is told."""

from engine.protocol.messages import Compare, EngineReady, Failed, LookInto
from tests.engine.server.faces import face


async def test_what_cannot_be_looked_into_is_refused_and_the_process_goes_on():
    async with face() as one:
        await one.until(EngineReady)
        wrong = [(1, 99, None), (1, 99, 0), (5, 1, None)]
        for number, (session, answer, token) in enumerate(wrong):
            one.client.send(LookInto(session, 20 + number, answer, token))
            failed = await one.until(Failed, count=number + 1)
            assert failed.request_id == 20 + number
        one.ask(30)
        assert (await one.answer(30)).answer == 1


async def test_a_wafer_that_cannot_be_priced_ends_the_look_and_nothing_else():
    """The canned one has no Program."""
    async with face() as one:
        await one.until(EngineReady)
        one.ask(1)
        answer = (await one.answer(1)).answer
        one.client.send(LookInto(1, 8, answer))
        failed = await one.until(Failed)
        assert failed.request_id == 8
        assert failed.message.startswith("the engine failed on this request")
        one.ask(2)
        assert (await one.answer(2)).answer == answer + 1


async def test_a_comparison_that_cannot_be_made_is_told_and_the_process_goes_on():
    async with face() as one:
        await one.until(EngineReady)
        one.client.send(Compare(5, 20))
        assert (await one.until(Failed)).request_id == 20
        one.client.send(Compare(1, 21))  # the canned wafer has no Program
        assert (await one.until(Failed, count=2)).request_id == 21
        one.ask(30)
        assert (await one.answer(30)).answer == 1
