"""Files shipped into an environment: standard library only, imported by nobody here."""
