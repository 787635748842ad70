"""Documents that are programs: how one is built and run, and what was built."""
