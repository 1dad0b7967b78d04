"""Files in the running app: opened, saved, found in, renamed, recovered; what git knows of them."""
