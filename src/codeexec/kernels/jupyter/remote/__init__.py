"""Kernels of Jupyter servers: started over REST, spoken to over a WebSocket."""
