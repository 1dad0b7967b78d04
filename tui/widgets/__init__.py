"""The parts of the screen.  Each keeps state and style; `tui.visuals` draws the panes."""
