"""One working session over time: queue, journal, output, artifacts."""
