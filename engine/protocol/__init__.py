"""The language of the engine's socket: request and result, messages, and the frames around them."""
