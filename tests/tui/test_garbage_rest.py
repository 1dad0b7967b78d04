"""Tests of when the app looks for garbage: while the person rests, or when there is very much."""

import gc
import weakref
from collections.abc import Iterator

import pytest

from tui.garbage_rest import GarbageRest


class Knot:
    """Something that names itself: only a search gives it back."""

    def __init__(self) -> None:
        self.itself = self


class Person:
    """When the last key came, and the time."""

    def __init__(self) -> None:
        self.key_at = 0.0
        self.now = 100.0


@pytest.fixture
def person() -> Person:
    return Person()


@pytest.fixture
def rest(person: Person) -> Iterator[GarbageRest]:
    rest = GarbageRest(lambda: person.key_at, now=lambda: person.now)
    rest.begin()
    rest.look()  # what the start made
    yield rest
    gc.unfreeze()
    gc.enable()


def _knot() -> "weakref.ref[Knot]":
    return weakref.ref(Knot())


def _make(count: int) -> list[list[int]]:
    return [[number] for number in range(count)]


def test_nothing_is_looked_for_between_keys(rest: GarbageRest, person: Person) -> None:
    person.key_at = person.now - rest.REST_SECONDS / 2
    knot, made = _knot(), _make(rest.WORTH_WHILE * 2)
    rest.look()
    assert knot() is not None
    assert made


def test_a_rest_is_used(rest: GarbageRest, person: Person) -> None:
    person.key_at = person.now - rest.REST_SECONDS * 2
    knot, made = _knot(), _make(rest.WORTH_WHILE * 2)
    rest.look()
    assert knot() is None
    assert made


def test_a_rest_after_little_is_left_alone(rest: GarbageRest) -> None:
    knot = _knot()
    rest.look()
    assert knot() is not None


def test_very_much_is_looked_through_even_between_keys(rest: GarbageRest, person: Person) -> None:
    person.key_at = person.now
    knot, made = _knot(), _make(rest.MOST)
    rest.look()
    assert knot() is None
    assert made


def test_old_garbage_is_found_in_the_end(rest: GarbageRest) -> None:
    holder = [Knot()]
    old = weakref.ref(holder[0])
    kept = _make(rest.WORTH_WHILE * 2)
    rest.look()
    gc.collect(1)  # it is old now
    holder.clear()
    made = _make(rest.FULL)
    rest.look()
    assert old() is None
    assert made
    assert kept
