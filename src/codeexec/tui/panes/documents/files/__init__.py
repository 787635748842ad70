"""Files of the open documents: opening, saving, closing, unsaved text, and changes on disk."""
