"""The commands of `spark-tui`, one file each: parse, call `engine`, print."""
