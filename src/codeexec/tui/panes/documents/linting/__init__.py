"""Problems that ruff finds in Python documents, by its language server."""
