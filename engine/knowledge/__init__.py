"""What the code around a cursor says of it, indexed, and mixed with a model's predictions."""
