"""Tables of a kernel on the full screen."""
