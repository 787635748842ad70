"""The command line: starts a face; the only place where everything is put together."""
