"""The app's theme as the inks that `tui.visuals` draws with."""

from textual.widget import Widget

from tui.visuals.inks import Inks, inks_from

__all__ = ["inks_of"]


def inks_of(widget: Widget) -> Inks:
    """Return the inks of the theme of the widget's app."""
    app = widget.app
    few = app.no_color or (not app.is_headless and app.console.color_system == "standard")
    return inks_from(app.theme_variables, dark=app.current_theme.dark, few_colours=few)
