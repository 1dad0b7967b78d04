"""The throughput pane keeps what a person may still want to read."""

from msgspec.structs import replace

from tests.tui.visuals.inks import INKS
from tui.demo_engine import demo_completion
from tui.widgets.throughput_pane import ThroughputPane


def test_a_completion_that_was_given_up_does_not_replace_the_last() -> None:
    pane = ThroughputPane()
    pane.show_completion(replace(demo_completion(""), completion_tokens=28))
    pane.show_completion(replace(demo_completion(""), completion_tokens=0))
    assert "last 28 tokens" in pane.draw(60, 9, INKS).plain
