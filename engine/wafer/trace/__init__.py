"""Traces of the emulated wafer, in the formats of the tools that engineers already use."""
