"""A session as a file: what the person did, what was suggested, and what the panes showed."""
