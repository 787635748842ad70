"""Projects that a build system builds: found, read as text, and never executed from here."""
