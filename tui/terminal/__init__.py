"""The app's end of the terminal: what it sends becomes events; if it is lost, the app ends."""
