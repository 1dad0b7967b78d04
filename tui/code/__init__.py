"""The text of an open file as an editor needs it: cells, indentation, colours; no widget."""
