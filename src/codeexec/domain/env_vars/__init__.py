"""Which environment variables are passed on, and which are not."""
