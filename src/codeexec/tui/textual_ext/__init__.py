"""What touches private parts of Textual; its tests fail first when Textual changes."""
