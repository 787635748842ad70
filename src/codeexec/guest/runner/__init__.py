"""Runs Python code for codeexec without ipykernel: requests and frames are lines of JSON.

Shipped as one zip file (`kernels/runner/script.py`) that any Python from 3.8 on runs, so the
modules import each other by relative names. Standard library only.
"""
