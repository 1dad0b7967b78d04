"""A pool of threads that share the pieces of an instruction and never hold each other up."""
