"""Code in, events out."""
