"""Kernels on machines that `ssh` reaches, where codeexec-tui is not installed."""
