"""A Program onto the fabric, operation by operation."""
