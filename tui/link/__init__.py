"""The app's end of the connection to the engine: the link, the engine's state, its numbers."""
