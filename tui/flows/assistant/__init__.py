"""What a person asks of the model in words: questions, and edits by instruction."""
