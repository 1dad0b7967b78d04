"""Planning: the best shape of a placement, kept and reported, and the model that is placed so."""
