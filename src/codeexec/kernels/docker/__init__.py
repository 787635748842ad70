"""Kernels in containers: images, processes, channels, exit reasons."""
