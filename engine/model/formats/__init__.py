"""Weight files on disk: containers read into checked tensors."""
