"""Pure drawing: numbers in, text or strips out.  Knows nothing of apps, widgets or messages."""
