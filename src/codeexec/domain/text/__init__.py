"""Text on its way to people: made printable, put into words, matched, parsed."""
