"""The terminal app and the command line: two faces over the front door of `engine`."""
