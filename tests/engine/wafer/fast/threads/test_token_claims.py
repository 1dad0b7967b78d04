"""Pieces and who has them: every order of events that matters, one after the other."""

import numpy as np
import pytest

from engine.wafer.fast.threads import claims

FACTS = (7, 3, 11, 1, 2, 3, 4, 5, 6)


@pytest.fixture
def shares():
    """Of a caller and two helpers."""
    shares = claims.new_shares(3, 0)
    claims.begin(shares, 3)
    return shares


def offer(shares, pieces, patience=0):
    claims.open_job(shares, pieces, FACTS, patience)


def taken(shares):
    """What is left for the caller, in its order."""
    found = []
    while (piece := claims.take(shares)) >= 0:
        found.append(piece)
    return found


def settle(shares, piece, epoch, helper=0):
    """What a helper does with a piece; whether its result counts."""
    if not claims.start(shares, piece, epoch) or not claims.may_settle(
        shares, helper, piece, epoch
    ):
        return False
    claims.settled(shares, piece, epoch)
    return True


@pytest.mark.parametrize("pieces", [2, 3, 100, claims.MAX_PIECES])
def test_a_caller_that_is_alone_takes_all(shares, pieces):
    offer(shares, pieces)

    assert taken(shares) == list(range(pieces))
    assert claims.shared(shares) == (0, pieces)


def test_a_helper_learns_the_job_and_does_its_part(shares):
    offer(shares, 12)

    claim = claims.await_claim(shares, 0)
    mine = range(claim.first, claim.last)
    done = [settle(shares, piece, claim.epoch) for piece in mine]

    assert claim.facts == FACTS
    assert not claims.is_idle(shares)
    assert done == [True, True]  # 12 pieces, three threads: a sixth of them
    assert taken(shares) == list(range(2, 12))
    assert claims.shared(shares) == (2, 12)
    assert claims.shared(shares) == (0, 0)


def test_pieces_that_a_helper_has_not_begun_are_taken_from_the_back(shares):
    offer(shares, 30)
    claim = claims.await_claim(shares, 0)
    assert (claim.first, claim.last) == (0, 5)
    assert settle(shares, 0, claim.epoch)
    assert claims.start(shares, 1, claim.epoch)

    assert taken(shares) == [*range(5, 30), 4, 3, 2, 1]  # 1 was late
    assert not claims.may_settle(shares, 0, 1, claim.epoch)
    assert not claims.start(shares, 2, claim.epoch)


def test_a_helper_that_wakes_in_a_later_job_changes_nothing(shares):
    offer(shares, 6)
    late, early = claims.await_claim(shares, 0), claims.await_claim(shares, 1)
    assert claims.start(shares, late.first, late.epoch)
    assert settle(shares, early.first, early.epoch, helper=1)
    taken(shares)

    offer(shares, 6)  # the same pieces, begun by nobody, and then by another
    assert not claims.may_settle(shares, 0, late.first, late.epoch)
    assert not claims.start(shares, late.first, late.epoch)
    again = claims.await_claim(shares, 1)
    assert claims.start(shares, again.first, again.epoch)
    assert not claims.may_settle(shares, 0, late.first, late.epoch)
    assert claims.may_settle(shares, 1, again.first, again.epoch)
    claims.settled(shares, again.first, again.epoch)

    assert again.first not in taken(shares)


def test_a_piece_is_had_once(shares):
    """Whoever asks in whatever order: every piece is settled by a helper or taken, never both."""
    random = np.random.default_rng(0)
    for _ in range(50):
        pieces = int(random.integers(2, 40))
        offer(shares, pieces)
        had = []
        for _ in range(int(random.integers(0, 6))):
            if shares.words[claims._TICKET] & 0xFFFF == pieces:
                break
            if random.random() < 0.5:
                claim = claims.await_claim(shares, 1)
                count = int(random.integers(0, claim.last - claim.first + 1))
                had += [
                    piece
                    for piece in range(claim.first, claim.first + count)
                    if settle(shares, piece, claim.epoch, 1)
                ]
            else:
                had.append(claims.take(shares))

        assert sorted(had + taken(shares)) == list(range(pieces))


def test_helpers_beyond_those_of_a_step_get_nothing(shares):
    claims.begin(shares, 2)
    offer(shares, 6)

    assert claims._has_work(shares.words, shares.words[claims._TICKET], 0)
    assert not claims._has_work(shares.words, shares.words[claims._TICKET], 1)


def test_a_helper_of_a_pool_that_ends_gets_nothing(shares):
    claims.stop(shares)

    claim = claims.await_claim(shares, 0)

    assert claim.first == claim.last


def test_small_work_and_too_many_pieces_are_not_offered():
    shares = claims.new_shares(2, 100)

    assert claims.is_worth(shares, 2, 100)
    assert not claims.is_worth(shares, 2, 99)
    assert not claims.is_worth(shares, 1, 100)
    assert not claims.is_worth(shares, claims.MAX_PIECES + 1, 1 << 40)
