"""Where code runs: this machine, a container."""
