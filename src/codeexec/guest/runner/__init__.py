"""Runs Python code for codeexec without ipykernel: requests and frames are lines of JSON.

Shipped as one zip file that any Python from 3.8 on runs; `kernels/runner/script.py` names the
package `codeexec_runner` there. Standard library only.
"""
