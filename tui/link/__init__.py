"""The app's end of the connection to the engine, and what it knows of the engine's state."""
