"""The wafer map alone, on made-up counters."""

from textual.app import App, ComposeResult

from tui.demo_engine import demo_ready, demo_telemetry
from tui.visuals.active_region import ActiveRegion
from tui.widgets.wafer_map import WaferMap


class MapApp(App[None]):
    """The map on the whole screen, with the counters of one interval."""

    def compose(self) -> ComposeResult:
        yield WaferMap(id="wafer-map")

    def on_mount(self) -> None:
        self.query_one(WaferMap).show_machine(demo_ready().machine)

    def on_wafer_map_viewed(self, event: WaferMap.Viewed) -> None:
        telemetry = demo_telemetry(demo_ready(), cores=event.cores)
        self.query_one(WaferMap).show_states(telemetry.cores, telemetry.cell_states)


def drawn(wafer: WaferMap) -> list[object]:
    return [segment for strip in wafer._strips for segment in strip]


async def test_activity_is_painted_over_the_counters_until_it_ends() -> None:
    app = MapApp()
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        wafer = app.query_one(WaferMap)
        counters = drawn(wafer)
        wafer.show_activity([ActiveRegion(2, 3, 24, 22, 1.0, "layer 0")])
        one = drawn(wafer)
        assert one != counters
        wafer.show_activity([])
        none = drawn(wafer)
        assert none not in (one, counters)
        wafer.show_activity(None)
        assert drawn(wafer) == counters
