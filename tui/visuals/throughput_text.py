"""The text of the throughput pane: a small table and history lines, in host and wafer time."""

from collections.abc import Callable, Sequence

from rich.text import Text

from engine.protocol.completion import Completion
from engine.protocol.messages import ThroughputPoint
from tui.format import (
    DASH,
    clock_text,
    count_text,
    milliseconds_text,
    rate_text,
    short_count_text,
)
from tui.visuals.bars import history_lines, progress_bar, stacked_bar
from tui.visuals.inks import Inks
from tui.visuals.rates import NamedRate, rates, wafer_rate
from tui.visuals.throughput_view import ThroughputView

__all__ = ["throughput_text"]

_HISTORY_ROWS = 8
"""Highest columns, in rows: higher ones say no more."""

_TALL = 18
"""Rows from which the parts of the last completion's time have room."""

_LONG_LABELS = ("host tokens/s", "wafer tokens/s", "wafer cycles/token")
_SHORT_LABELS = ("host tok/s", "wafer tok/s", "wafer cyc/tok")
_ROOMY = 9
"""Cells a column needs for whole numbers."""


def throughput_text(view: ThroughputView, width: int, height: int, inks: Inks) -> Text:
    """Return the table, the last completion, and as much history as fits into ``height`` rows."""
    lines = _table(view, width, inks)
    room = height - len(lines)
    if room >= 1:
        lines.append(_last_completion(view.completion, width, inks))
        room -= 1
    if height >= _TALL and view.completion is not None:
        parts = _parts_of_latency(view.completion, width, inks)
        lines += parts
        room -= len(parts)
    if room >= 5:
        lines.append(Text())
        room -= 1
    histories = _histories(view)
    if view.gauges:
        lines += _gauges(rates(view), width, inks)
    elif room >= 2:
        count = len(histories) if room >= 6 else 1
        for index, (label, unit, values, style) in enumerate(histories[:count]):
            rows = min(room // count + (index < room % count), 1 + _HISTORY_ROWS)
            lines += _history(label, unit, values, style, width, rows, inks)
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n", end="").join(lines[:height])


def _table(view: ThroughputView, width: int, inks: Inks) -> list[Text]:
    """Return the four rows of the table."""
    roomy = width >= len(_LONG_LABELS[-1]) + 2 * _ROOMY
    labels = _LONG_LABELS if roomy else _SHORT_LABELS
    label_width = max(map(len, labels))
    column = max(1, (width - label_width) // 2)
    rate = rate_text if roomy else short_count_text
    count = count_text if roomy else short_count_text
    decode_cycles = _last(view.history, lambda point: point.wafer_decode_cycles_per_token)
    prefill_cycles = _last(view.history, lambda point: point.wafer_prefill_cycles_per_token)
    rows = (
        ("", "decode", "prefill", inks.muted, inks.muted),
        (
            labels[0],
            rate(_last(view.history, lambda point: point.host_decode_tokens_per_second)),
            rate(_last(view.history, lambda point: point.host_prefill_tokens_per_second)),
            inks.host,
            inks.text,
        ),
        (
            labels[1],
            rate(wafer_rate(decode_cycles, view.clock_ghz)),
            rate(wafer_rate(prefill_cycles, view.clock_ghz)),
            inks.wafer,
            inks.text,
        ),
        (
            labels[2],
            count(decode_cycles),
            count(prefill_cycles),
            inks.wafer,
            inks.text,
        ),
    )
    return [
        Text(f"{label:<{label_width}}", style=label_style, end="").append(
            f"{decode:>{column}}{prefill:>{column}}", style=style
        )
        for label, decode, prefill, label_style, style in rows
    ]


def _last_completion(completion: Completion | None, width: int, inks: Inks) -> Text:
    """Return the latencies of the last completion, in host time."""
    if completion is None:
        return Text("host ", style=inks.host, end="").append(f"last {DASH}", style=inks.muted)
    first = milliseconds_text(completion.host.first_text_ms)
    total = milliseconds_text(completion.host.prefill_ms + completion.host.decode_ms)
    tokens = (
        "1 token" if completion.completion_tokens == 1 else f"{completion.completion_tokens} tokens"
    )
    text = Text("host ", style=inks.host, end="")
    text.append("last ", style=inks.muted).append(f"{tokens} {total}", style=inks.text)
    more = f"  first {first}"
    return text.append(more if text.cell_len + len(more) <= width else "", style=inks.muted)


def _parts_of_latency(completion: Completion, width: int, inks: Inks) -> list[Text]:
    """Return the host time of a completion as a bar of its parts, their names, and what was saved.

    Waiting until it began, reading the prompt, writing, cutting what was written.
    """
    host = completion.host
    parts = (
        ("waited", host.queue_ms, inks.muted),
        ("prefill", host.prefill_ms, inks.host),
        ("decode", host.decode_ms, inks.good),
        ("trim", host.trim_ms, inks.caution),
    )
    total = sum(took for _, took, _ in parts)
    names = Text(end="")
    for name, took, ink in parts:
        names.append("■ ", style=ink).append(f"{name} ", style=inks.muted)
        names.append(f"{milliseconds_text(took)}  ", style=inks.text)
    names.rstrip()
    saved = (
        f"drafts {host.accepted_tokens} of {host.guessed_tokens} right, prompt "
        f"{completion.cached_tokens} of {completion.prompt_tokens} tokens from the cache"
    )
    bar = stacked_bar(width, [(took, ink) for _, took, ink in parts], total, inks.faint)
    return [bar, names, Text(saved, style=inks.muted, end="")]


def _histories(
    view: ThroughputView,
) -> list[tuple[str, str, list[float | None], Callable[[Inks], str]]]:
    """Return (label, unit, values, ink) of each history line, the most important first."""
    clock = DASH if view.clock_ghz is None else clock_text(view.clock_ghz)
    host = [point.host_decode_tokens_per_second for point in view.history]
    wafer = [
        wafer_rate(point.wafer_decode_cycles_per_token, view.clock_ghz) for point in view.history
    ]
    here, there = "host decode, measured", f"wafer decode at {clock}"
    if view.remote:
        here, there = "remote decode, measured here", f"wafer, priced at {clock}"
    return [
        (here, "tokens/s", host, lambda inks: inks.host),
        (there, "tokens/s", wafer, lambda inks: inks.wafer),
    ]


def _history(
    label: str,
    unit: str,
    values: list[float | None],
    style: Callable[[Inks], str],
    width: int,
    rows: int,
    inks: Inks,
) -> list[Text]:
    """Return a caption with the highest value shown, then ``rows`` − 1 lines of columns."""
    shown = [value for value in values[-width:] if value is not None]
    caption = Text(label, style=inks.muted, end="")
    for told in _told(shown):
        gap = width - caption.cell_len - len(told)
        if gap >= 1:
            caption.append(" " * gap).append(told, style=inks.muted)
            break
    lines = history_lines(values, width, max(1, rows - 1))
    return [caption, *(Text(line, style=style(inks), end="") for line in lines)]


def _told(shown: Sequence[float]) -> Sequence[str]:
    """Return what is said of the values in sight, the longest form first."""
    if not shown:
        return ()
    peak = f"peak {rate_text(max(shown))}"
    return f"average {rate_text(sum(shown) / len(shown))}  {peak}", peak


def _last(
    history: Sequence[ThroughputPoint], value: Callable[[ThroughputPoint], float | None]
) -> float | None:
    """Return the newest measured value; None if there never was one."""
    return next((found for point in reversed(history) if (found := value(point)) is not None), None)


# ── gauges ──────────────────────────────────────────────────────────────────────────────────

_GAUGE_FIGURE = 8
_GAUGE_BAR = 6
"""Cells that a bar has at least, whatever figures are left out for it."""
_GAUGE_HEADS = (("now", "average", "most"), ("now", "most"), ("now",))


def _gauges(found: Sequence[NamedRate], width: int, inks: Inks) -> list[Text]:
    """Return a bar for each rate, its newest value of the largest, and as many figures as fit."""
    shown = found[:4]  # cycles/token say the same as the wafer's tokens/s
    label = max(len(rate.name) for rate in shown) + 1
    rooms = {heads: width - label - _GAUGE_FIGURE * len(heads) for heads in _GAUGE_HEADS}
    heads = next((each for each, room in rooms.items() if room >= _GAUGE_BAR), _GAUGE_HEADS[-1])
    titles = "".join(f"{name:>{_GAUGE_FIGURE}}" for name in heads)
    lines = [Text(f"{'tokens/s':<{max(label, width - len(titles))}}{titles}", inks.muted, end="")]
    return lines + [_gauge(rate, label, rooms[heads], heads, inks) for rate in shown]


def _gauge(rate: NamedRate, label: int, room: int, heads: Sequence[str], inks: Inks) -> Text:
    ink = inks.host if rate.host else inks.wafer
    line = Text(f"{rate.name:<{label}}", style=ink, end="")
    if room > 1:
        share = rate.now / rate.most if rate.now and rate.most else 0.0
        line.append_text(progress_bar(room, share, ink, inks.faint))
    values = {"now": rate.now, "average": rate.average, "most": rate.most}
    figures = (short_count_text(values[name]) for name in heads)
    return line.append("".join(f"{each:>{_GAUGE_FIGURE}}" for each in figures), style=inks.text)
