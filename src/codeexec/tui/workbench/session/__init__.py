"""The session of a workbench: frames and link, kernels, trust, and the view that others watch."""
