"""One file per operation: what it costs on a region of cores, phase by phase."""
