"""What knows code, at work in the app: definitions, symbols, problems, and running a file."""
