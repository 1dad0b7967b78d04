import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.token_table import TokenTable

some_bytes = st.text("\x00\n a#\xc3\xff", max_size=12).map(lambda text: text.encode("latin-1"))
vocabularies = st.lists(some_bytes, min_size=1, max_size=8)


@given(vocabularies, some_bytes)
def test_continuations_agree_with_the_start(contents, start) -> None:
    """As a loop over all tokens finds them; long starts, zeros and equal tokens included."""
    expected = [
        i for i, c in enumerate(contents) if c and (c.startswith(start) or start.startswith(c))
    ]
    table = TokenTable(contents)
    assert table.continuations(start).tolist() == expected
    longer = any(c.startswith(start) and len(c) > len(start) for c in contents)
    assert table.can_grow(start) == longer


@given(vocabularies)
def test_lengths_and_first_bytes(contents) -> None:
    table = TokenTable(contents)
    assert table.lengths.tolist() == [len(content) for content in contents]
    assert table.first.tolist() == [content[0] if content else -1 for content in contents]


@given(vocabularies, st.lists(st.sampled_from([b"#", b"\n", b"aa", b"\xc3a"]), min_size=1))
def test_openings_leave_blanks_aside(contents, signs) -> None:
    expected = [i for i, c in enumerate(contents) if c.lstrip(b" \t").startswith(tuple(signs))]
    assert TokenTable(contents).opening_with(signs).tolist() == expected


@pytest.mark.parametrize("start", [b"", b" ", b"token 1", b"token 123456"])
def test_a_large_vocabulary(start: bytes) -> None:
    contents = [b"token %d" % i for i in range(150_000)]
    found = TokenTable(contents).continuations(start)
    agree = [i for i, c in enumerate(contents) if c.startswith(start) or start.startswith(c)]
    assert np.array_equal(found, agree)
