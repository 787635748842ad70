"""Command line of codeexec-tui: the package that wires the screen, clients, server and kernels."""
