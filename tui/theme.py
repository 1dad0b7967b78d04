"""The app's own colour theme; the built-in ones stay selectable."""

from textual.theme import Theme

__all__ = ["SPARK_THEME"]

SPARK_THEME = Theme(
    name="spark",
    primary="#6ea8f7",
    secondary="#5cc8b4",
    accent="#f2b84b",
    warning="#f2b84b",
    error="#e8707c",
    success="#7fc98f",
    foreground="#ccd3dc",
    background="#0f1318",
    surface="#141920",
    panel="#1d242d",
    boost="#232b36",
    dark=True,
    variables={
        "border": "#2c3642",
        "border-blurred": "#2c3642",
        "block-cursor-background": "#2d4a73",
        "block-cursor-foreground": "#e8edf3",
        "block-cursor-text-style": "none",
        "block-cursor-blurred-background": "#202a36",
        "block-cursor-blurred-foreground": "#ccd3dc",
        "footer-key-foreground": "#f2b84b",
        "input-selection-background": "#6ea8f7 35%",
    },
)
