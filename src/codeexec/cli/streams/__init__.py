"""Standard streams of a run: live rows, pictures, keyboard input, signals, saved displays."""
