"""The relay of a container or of another machine: processes and byte streams over one pipe."""
