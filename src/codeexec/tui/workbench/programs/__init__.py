"""Controllers about programs: problems, builds and runs."""
