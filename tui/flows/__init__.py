"""Flows that cross the parts of the screen: what the app does when keys or the engine call."""
