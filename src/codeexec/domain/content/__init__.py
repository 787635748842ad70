"""What the bytes of a content are: their type, their digest, the size of a picture."""
