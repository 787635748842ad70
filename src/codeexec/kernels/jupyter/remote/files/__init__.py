"""Files of a Jupyter server, by its contents API."""
