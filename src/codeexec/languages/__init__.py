"""What a programming language is, as data."""
