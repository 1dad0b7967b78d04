"""Where a text ends because the client said so."""

import pytest

from engine.server.http.cuts import cut


@pytest.mark.parametrize(
    ("text", "stops", "indent", "expected"),
    [
        ("abc", (), 0, ("abc", False, "")),
        ("abc", ("c", "b"), 0, ("a", True, "b")),
        ("abc", ("",), 0, ("abc", False, "")),
        ("a\n  b\nc", (), 2, ("a\n  b", True, "")),
        ("a\n\n  b\n", (), 2, ("a\n\n  b\n", False, "")),
        ("a\n b", (), 2, ("a", True, "")),
        ("a\n  b", (), 4, ("a", True, "")),
        ("a\nSTOP", ("STOP",), 2, ("a", True, "")),
        ("a STOP\nb", ("STOP",), 2, ("a ", True, "STOP")),
        ("a\n ", (), 4, ("a\n ", False, "")),  # the line may go on with blanks
    ],
)
def test_cuts(text, stops, indent, expected):
    kept = cut(text, stops, indent)
    assert (kept.text, kept.ended, kept.word) == expected
