"""The keys of the wafer map, with the words that help and palette give them."""

from collections.abc import Sequence

from textual.binding import Binding

from engine import STATES

__all__ = ["MAP_KEYS", "STATE_KEYS"]

STATE_KEYS = tuple(str(number + 1) for number in range(len(STATES)))
"""Each shows one state alone, in the order of the legend's columns."""

MAP_KEYS: Sequence[Binding] = (
    Binding("escape", "app.focus_editor", "back to the editor", id="map.leave"),
    Binding("left", "point(-1, 0)", "point at the core to the west", id="map.west"),
    Binding("right", "point(1, 0)", "point at the core to the east", id="map.east"),
    Binding("up", "point(0, -1)", "point at the core to the north", id="map.north"),
    Binding("down", "point(0, 1)", "point at the core to the south", id="map.south"),
    Binding("shift+left", "pan(-1, 0)", "look further west", id="map.pan_west"),
    Binding("shift+right", "pan(1, 0)", "look further east", id="map.pan_east"),
    Binding("shift+up", "pan(0, -1)", "look further north", id="map.pan_north"),
    Binding("shift+down", "pan(0, 1)", "look further south", id="map.pan_south"),
    Binding("plus,equals_sign", "zoom(True)", "zoom in", id="map.zoom_in"),
    Binding("minus", "zoom(False)", "zoom out", id="map.zoom_out"),
    Binding("0", "fit", "show all placed cores", id="map.fit"),
    Binding("w", "whole_wafer", "show the whole wafer", id="map.whole_wafer"),
    Binding("c", "next_kind(1)", "colour by something else", id="map.next_colour"),
    Binding("shift+c,C", "next_kind(-1)", "colour by what was before", id="map.previous_colour"),
    Binding("o", "outlines", "outlines and names of regions, or none", id="map.outlines"),
    Binding("enter", "inspect", "inspect the core under the pointer", id="map.inspect"),
    Binding("g", "ask('place')", "go to a core by its coordinates", id="map.go_to"),
    Binding("m", "ask('mark')", "mark this moment, then show what changes", id="map.mark"),
    Binding("x", "ask('machine')", "compare with another machine", id="map.compare"),
    Binding("a", "alone(-1)", "show all states", id="map.all_states"),
    *(
        Binding(key, f"alone({number})", f"show one state alone: {name}", id=f"map.only_{name}")
        for number, (key, name) in enumerate(zip(STATE_KEYS, STATES, strict=True))
    ),
)
"""They work while the map has the keyboard (F6)."""
