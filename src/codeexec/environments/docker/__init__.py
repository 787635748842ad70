"""Where code runs when it is not trusted with the machine: a container of Docker or Podman."""
