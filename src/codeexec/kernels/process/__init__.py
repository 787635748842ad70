"""Programs as kernels: one execution is one process."""
