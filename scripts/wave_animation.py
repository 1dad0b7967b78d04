"""Draws a token's wave over the wafer as an SVG that moves by itself (SMIL), for the README.

`scripts/screenshots.py` calls it with a real token's wave.  Its first layer is played slowly, so
that bands of cores are seen to light up one after the other, the rest fast.  Time is cut into
frames.  No script, no font that is fetched.
"""

from collections import defaultdict
from collections.abc import Iterable
from html import escape

from engine.protocol.messages import MachineInfo
from engine.protocol.xray import TokenWave
from tui.format import clock_text, count_text

__all__ = ["wave_svg"]

SECONDS = 14.0
"""A round of the picture."""
SLOW, FAST = 150, 60
"""Frames of the first layer, and of all that follows."""
FRAMES = SLOW + FAST
WIDTH, MARGIN, HEAD, FOOT = 840, 16, 58, 46
HIGHEST = 380
"""Pixels of the wafer from north to south."""
_GROUND, _TEXT, _MUTED, _EDGE = "#141920", "#ccd3dc", "#8b949e", "#39434f"
_HUES = ("#f2b84b", "#5cc8b4", "#6ea8f7", "#a78bda", "#e8707c", "#b7c96a")
_GLOW = 3
"""Frames in which what worked fades away."""
_FEWEST = 6
"""Operations that have a colour of their own."""

Box = tuple[int, int, int, int]


def wave_svg(wave: TokenWave, machine: MachineInfo, layers: int, title: str) -> str:
    """Return the animation.

    Args:
        wave: One row's way over the cores.
        machine: The cores, and the regions that are outlined.
        layers: How many the model has: a part of the wave's cycles is taken for the first one.
        title: What is shown; text from anywhere.
    """
    slow = max(1, wave.cycles // layers)
    placed = _Placed(machine)
    hues = _hues(wave)
    height = HEAD + placed.height + FOOT
    seconds = wave.cycles / (machine.clock_ghz * 1e9)
    clock = clock_text(machine.clock_ghz)
    slower = count_text(SECONDS * SLOW / FRAMES / (seconds / layers))
    words = (
        f"{count_text(wave.cycles)} wafer cycles by {wave.source}, {seconds * 1e6:.0f} µs at "
        f"{clock}; the first {count_text(slow)}, about a layer of {layers}, {slower} times slower"
    )
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height:.0f}" '
        'font-family="ui-monospace,monospace" font-size="12">',
        f'<rect width="100%" height="100%" rx="8" fill="{_GROUND}"/>',
        _text(MARGIN, 26, title, _TEXT, size=15),
        _text(MARGIN, 46, words, _MUTED),
        *(placed.outline(number) for number in range(len(machine.regions))),
        *_bands(wave, slow, placed, hues),
        *_legend(wave, hues, height - FOOT + 18),
        _progress(height - 14),
        "</svg>",
    ]
    return "\n".join(parts) + "\n"


class _Placed:
    """Where cores are in the picture: the bounding box of the regions, as wide as the picture."""

    def __init__(self, machine: MachineInfo) -> None:
        self._regions = machine.regions
        self._x = min(region.x for region in machine.regions)
        self._y = min(region.y for region in machine.regions)
        across = max(region.x + region.width for region in machine.regions) - self._x
        down = max(region.y + region.height for region in machine.regions) - self._y
        self._scale = min((WIDTH - 2 * MARGIN) / across, HIGHEST / down)
        self._left = (WIDTH - across * self._scale) / 2
        self.height = down * self._scale

    def box(self, x: int, y: int, width: int, height: int) -> Box:
        """Return the pixels of some cores: left, top, width, height; at least two each way."""
        left = round(self._left + (x - self._x) * self._scale)
        top = HEAD + round((y - self._y) * self._scale)
        right = round(self._left + (x + width - self._x) * self._scale)
        bottom = HEAD + round((y + height - self._y) * self._scale)
        return left, top, max(2, right - left), max(2, bottom - top)

    def outline(self, number: int) -> str:
        """Return a region's edge and its name."""
        region = self._regions[number]
        left, top, width, height = self.box(region.x, region.y, region.width, region.height)
        label = region.label.replace("layers ", "").replace("layer ", "")
        name = _text(left + 4, top + 13, label, _MUTED, size=10) if width > 7 * len(label) else ""
        return (
            f'<rect x="{left}" y="{top}" width="{width}" height="{height}" fill="{_EDGE}" '
            f'fill-opacity=".25" stroke="{_EDGE}"/>{name}'
        )


def _hues(wave: TokenWave) -> dict[int, str]:
    """Return the colours of operations: those whose bands are longest have one of their own."""
    spent: dict[int, int] = defaultdict(int)
    bands = wave.bands
    for operation, begin, end in zip(bands.operation, bands.begin, bands.end, strict=True):
        spent[operation] += end - begin
    ranked = sorted(spent, key=lambda each: -spent[each])
    return {each: _HUES[min(at, _FEWEST - 1)] for at, each in enumerate(ranked)}


def _frame(cycle: int, slow: int, cycles: int) -> int:
    """Return the frame that a cycle is in."""
    if cycle < slow:
        return cycle * SLOW // slow
    return min(FRAMES - 1, SLOW + (cycle - slow) * FAST // max(1, cycles - slow))


def _bands(wave: TokenWave, slow: int, placed: _Placed, hues: dict[int, str]) -> Iterable[str]:
    """Yield a group for each span of frames with the pixels that light up in it."""
    bands = wave.bands
    lit: dict[tuple[int, int, str], set[Box]] = defaultdict(set)
    corners = zip(bands.x, bands.y, bands.width, bands.height, strict=True)
    spans = zip(bands.begin, bands.end, bands.operation, strict=True)
    for corner, (begin, end, operation) in zip(corners, spans, strict=True):
        first, last = (_frame(each, slow, wave.cycles) for each in (begin, end))
        lit[first, last, hues[operation]].add(placed.box(*corner))
    for (first, last, hue), boxes in sorted(lit.items()):
        path = "".join(f"M{x} {y}h{w}v{h}h-{w}z" for x, y, w, h in _merged(boxes))
        yield f'<path d="{path}" fill="{hue}" opacity="0">{_lights_up(first, last)}</path>'


def _merged(boxes: set[Box]) -> list[Box]:
    """Return fewer boxes for the same pixels: those that touch become one, down, then across."""
    return _turned(_stacked(_turned(_stacked(boxes))))


def _turned(boxes: Iterable[Box]) -> list[Box]:
    return [(y, x, height, width) for x, y, width, height in boxes]


def _stacked(boxes: Iterable[Box]) -> list[Box]:
    """Return boxes of which no two of one width stand upon each other."""
    stacked: list[Box] = []
    for x, y, width, height in sorted(boxes, key=lambda box: (box[0], box[2], box[1])):
        if stacked:
            left, top, across, down = stacked[-1]
            if (left, across) == (x, width) and y <= top + down:
                stacked[-1] = (left, top, across, max(down, y + height - top))
                continue
        stacked.append((x, y, width, height))
    return stacked


def _lights_up(first: int, last: int) -> str:
    """Return the animation of what works from one frame to another, then fades."""
    times = (0.0, first / FRAMES, (last + 1) / FRAMES, min(1.0, (last + 1 + _GLOW) / FRAMES), 1.0)
    keys = ";".join(f"{min(each, 1.0):.4g}" for each in times)
    return (
        f'<animate attributeName="opacity" calcMode="discrete" dur="{SECONDS:g}s" '
        f'repeatCount="indefinite" keyTimes="{keys}" values="0;1;.3;0;0"/>'
    )


def _legend(wave: TokenWave, hues: dict[int, str], y: float) -> Iterable[str]:
    """Yield the operations that have a colour of their own, then the rest."""
    x = MARGIN
    named = [(wave.operations[each], hue) for each, hue in hues.items()]
    shown = named[: _FEWEST - 1]
    if len(named) > _FEWEST - 1:
        shown.append(("others", _HUES[-1]))
    for name, hue in shown:
        yield f'<rect x="{x}" y="{y - 9:.0f}" width="10" height="10" fill="{hue}"/>'
        yield _text(x + 15, y, name, _TEXT)
        x += 32 + 8 * len(name)


def _progress(y: float) -> str:
    """Return the bar that shows how far the round is."""
    wide = WIDTH - 2 * MARGIN
    return (
        f'<rect x="{MARGIN}" y="{y:.0f}" width="{wide}" height="3" fill="{_EDGE}"/>'
        f'<rect x="{MARGIN}" y="{y:.0f}" width="0" height="3" fill="{_HUES[0]}">'
        f'<animate attributeName="width" from="0" to="{wide}" dur="{SECONDS:g}s" '
        'repeatCount="indefinite"/></rect>'
    )


def _text(x: float, y: float, words: str, ink: str, *, size: int = 12) -> str:
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="{ink}" font-size="{size}">{escape(words)}</text>'
