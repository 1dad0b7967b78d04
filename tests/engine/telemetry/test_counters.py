from dataclasses import asdict

from engine.telemetry.counters import Work, WorkCounters


def work(*steps):
    counters = WorkCounters()
    for decode, tokens, seconds, cycles in steps:
        counters.add(decode=decode, tokens=tokens, seconds=seconds, cycles=cycles)
    return counters.read()


def test_steps_add_up_by_kind():
    total = work((False, 64, 0.5, 900), (True, 1, 0.25, 100), (True, 1, 0.25, 120))
    assert total == Work(64, 2, 0.5, 0.5, 900, 220)
    assert total.cycles == 1120


def test_an_interval_is_a_difference():
    older = work((False, 64, 0.5, 900), (True, 1, 0.5, 50))
    newer = older.plus(decode=True, tokens=1, seconds=0.25, cycles=100)
    newer = newer.plus(decode=False, tokens=3, seconds=0.125, cycles=7)
    assert asdict(newer.since(older)) == asdict(Work(3, 1, 0.125, 0.25, 7, 100))


def test_what_was_read_does_not_change():
    counters = WorkCounters()
    before = counters.read()
    counters.add(decode=True, tokens=1, seconds=1.0, cycles=1)
    assert before == Work()
