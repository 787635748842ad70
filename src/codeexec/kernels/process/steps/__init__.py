"""Programs in steps: a file is built and run by the tools that the language catalog names."""
