"""The panes of the wafer at work: what they want from the app and ask the engine."""
