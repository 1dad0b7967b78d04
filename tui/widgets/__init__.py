"""The parts of the screen.  Each keeps state and style; what it draws comes from `tui.visuals`."""
