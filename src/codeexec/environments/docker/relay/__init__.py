"""Connection to the relay in a container: processes and byte streams over one pipe."""
