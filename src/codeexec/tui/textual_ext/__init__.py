"""All code that uses private parts of Textual; its tests fail first when Textual changes."""
