"""The session server: the engine behind HTTP and WebSockets."""
