"""What a face and the engine process say to each other, and how it is framed."""
