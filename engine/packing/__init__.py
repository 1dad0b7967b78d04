"""Makes rows of tokens for training out of the files of a package: cuts, neighbours, rows."""
