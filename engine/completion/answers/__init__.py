"""What is remembered of the last answers, and what can still be asked of them."""
