"""From the text around a cursor to a prompt, and from generated text to what is worth showing."""
