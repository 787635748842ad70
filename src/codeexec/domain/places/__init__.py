"""Where kernels run: names of backends, containers, and machines that `ssh` reaches."""
