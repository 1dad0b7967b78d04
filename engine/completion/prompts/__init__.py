"""From the text around a cursor to a prompt's ids, and which of them stay while one types."""
