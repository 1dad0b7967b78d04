"""Indexes the code around a cursor and mixes what it tells with the model's predictions."""
