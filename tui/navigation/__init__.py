"""Where names are defined and used, what they mean, and what is wrong with a file; no screen."""
