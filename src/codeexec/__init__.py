"""codeexec: run code on kernels, and lose nothing."""
