"""GGUF models: a file's metadata as a configuration, its tensors under Hugging Face's names."""
