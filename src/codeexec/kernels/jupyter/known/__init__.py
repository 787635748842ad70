"""Kernels of other projects: what they lack, and how that is made up for."""
