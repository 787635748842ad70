"""Python kernels without ipykernel: processes of `guest/runner`."""
