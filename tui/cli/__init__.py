"""The commands of `spark-tui`: parsing, calling `engine`, printing.  One file per command."""
