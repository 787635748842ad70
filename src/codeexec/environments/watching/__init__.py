"""Changes of files as the system notifies of them."""
