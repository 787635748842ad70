"""The prompt of the console: text, history, completions, help, and what is run from it."""
