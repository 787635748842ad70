"""What kernels set up in the libraries that the user imports."""
