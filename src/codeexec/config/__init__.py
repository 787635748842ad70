"""The settings of faces, and where everything is kept."""
