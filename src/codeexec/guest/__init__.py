"""Files shipped into an environment: standard library only, never imported here."""
