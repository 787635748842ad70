"""Lines to session servers of other machines over the system's `ssh`."""
