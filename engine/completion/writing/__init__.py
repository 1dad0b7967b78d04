"""From tokens to text: drafts, guesses, and which part of a text is sure enough to be shown."""
