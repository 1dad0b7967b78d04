"""Wafer time of a placed Program: instructions scheduled over regions, rows pipelined."""
