"""HTTP on the sockets of the server: protocols with deadlines, and the stack above them."""
