"""A picture of one pane as it is on the screen, as SVG.  Names no font that is fetched."""

import io
import re

from rich._export_format import CONSOLE_SVG_FORMAT
from rich.console import Console
from rich.segment import Segment, Segments

from tui.widgets.pane import Pane

__all__ = ["pane_svg"]

_FETCHED_FONT = re.compile(r"@font-face \{\{.*?\}\}", re.DOTALL)
_FORMAT = _FETCHED_FONT.sub("", CONSOLE_SVG_FORMAT)
"""Rich's template without the fonts that a browser would fetch: a picture asks nobody."""


def pane_svg(pane: Pane) -> str:
    """Return the picture of a pane that is on the screen, its border included."""
    region = pane.region
    # The strips went through the screen's filters: text from elsewhere steers nothing here either.
    rows = pane.screen._compositor.render_strips()[region.y : region.bottom]
    console = Console(
        width=region.width,
        height=region.height,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
        record=True,
        legacy_windows=False,
        safe_box=False,
    )
    for strip in rows:
        line = [*strip.crop(region.x, region.right), Segment.line()]
        console.print(Segments(line), end="")
    return console.export_svg(title=f"spark-tui: {pane.TITLE}", code_format=_FORMAT).rstrip() + "\n"
