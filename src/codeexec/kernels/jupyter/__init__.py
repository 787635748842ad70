"""Kernels that speak the Jupyter protocol."""
