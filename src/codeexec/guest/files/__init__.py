"""Scripts that read and write the files of a container, and answer with data."""
