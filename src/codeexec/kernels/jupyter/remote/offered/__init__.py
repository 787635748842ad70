"""What a server offers, in words for the list of kernels."""
