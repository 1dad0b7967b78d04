"""What happens across several parts of the screen: files with their questions, ghost text."""
