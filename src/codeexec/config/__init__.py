"""Settings, and the folders where settings and state are kept."""
